package io.shardlight.runners.flink;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RestartsTest {
  @ParameterizedTest
  @CsvSource({
    "-1, -1, Failure rate restart with maximum of 6 failures within interval PT10M",
    "-1, 500, and fixed delay PT0.5S",
    "0, -1, Restart deactivated.",
    "7, 500, Restart with fixed delay (PT0.5S). #7 restart attempts.",
    "7, -1, Restart with fixed delay (PT2S). #7 restart attempts.",
  })
  void goesOnAsOftenAsItShould(int retries, long delayMillis, String description) {
    FlinkPipelineOptions options = PipelineOptionsFactory.as(FlinkPipelineOptions.class);
    options.setNumberOfExecutionRetries(retries);
    options.setExecutionRetryDelay(delayMillis);

    assertThat(Submission.restarts(options).getDescription()).contains(description);
  }
}
