package io.shardlight.runners.flink;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.beam.sdk.util.UserCodeException;
import org.apache.flink.util.SerializedThrowable;
import org.junit.jupiter.api.Test;

class FailuresTest {
  /** As a client gets it: the causes as text, each with its class in front. */
  private static Throwable onACluster(Throwable cause) {
    return new RuntimeException(
        "Pipeline execution failed",
        new IllegalStateException(
            "Job execution failed.",
            new SerializedThrowable(
                new IllegalStateException("Recovery is suppressed by NoRestart", cause))));
  }

  @Test
  void tellsWhatOurCodeSaid() {
    Throwable ours =
        UserCodeException.wrap(
            new IllegalStateException("shard 3 must be whole,\n  but is not", new Error("disk")));
    assertThat(Failures.explain(onACluster(ours)))
        .isEqualTo("shard 3 must be whole,; but is not: disk");
  }

  @Test
  void tellsAllOfWhatFlinkSaidWhereOurCodeSaidNothing() {
    assertThat(Failures.explain(onACluster(new java.io.IOException("no network buffers"))))
        .isEqualTo(
            "Pipeline execution failed: Job execution failed.: Recovery is suppressed by"
                + " NoRestart: no network buffers");
  }
}
