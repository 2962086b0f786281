package io.shardlight.runners.dataflow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class FailuresTest {
  @Test
  void tellsAWorkersInnermostCause() {
    assertThat(
            Failures.reason(
                List.of(
                    "Error message from worker: generic::unknown: x.y.Z: old",
                    "Error message from worker: org.apache.beam.sdk.util.UserCodeException:"
                        + " java.lang.IllegalStateException: 3 of 4 failed\n\tat a.B.c(B.java:1)\n"
                        + "Caused by: java.lang.IllegalStateException: 3 of 4 failed;\n see the"
                        + " report\n\tat a.B.d(B.java:2)\n\t... 2 more\n",
                    "Workflow failed. Causes: S1 failed.")))
        .isEqualTo("3 of 4 failed;; see the report");
  }

  @Test
  void tellsWhatDataflowSaysLastWhereNoWorkerSaidAnything() {
    assertThat(Failures.reason(List.of("first", "Workflow failed.\nCauses: no quota.")))
        .isEqualTo("Workflow failed.; Causes: no quota.");
    assertThat(Failures.reason(List.of())).isEmpty();
  }

  @Test
  void joinsWhatCausesAdd() {
    assertThat(
            Failures.line(
                new RuntimeException(
                    "java.io.IOException: no bucket", new IOException("no bucket"))))
        .isEqualTo("no bucket");
    assertThat(Failures.line(new RuntimeException("outer", new IOException("inner"))))
        .isEqualTo("outer: inner");
  }
}
