package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;

class LocalRunTest {
  @Test
  void theRunnerTakesNoTimeFromTheDevices() {
    DirectOptions options = tuned();

    // A second thread without work would keep a core busy while the first one waits for images.
    assertThat(options.getTargetParallelism()).isEqualTo(1);
    assertThat(options.isEnforceEncodability()).isFalse();
    assertThat(options.isEnforceImmutability()).isFalse();
  }

  @Test
  void whatSomebodyAskedForStays() {
    DirectOptions options =
        tuned("--targetParallelism=7", "--enforceEncodability=true", "--enforceImmutability=true");

    assertThat(options.getTargetParallelism()).isEqualTo(7);
    assertThat(options.isEnforceEncodability()).isTrue();
    assertThat(options.isEnforceImmutability()).isTrue();
  }

  private static DirectOptions tuned(String... words) {
    DirectOptions options = PipelineOptionsFactory.fromArgs(words).as(DirectOptions.class);
    LocalRun.tune(
        options,
        CommandLine.parse(
            List.of(words),
            GenerateCommand.CATALOG,
            Set.of("enforceEncodability", "enforceImmutability")));
    return options;
  }
}
