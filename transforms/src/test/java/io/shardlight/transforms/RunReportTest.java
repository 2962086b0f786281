package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.Sampling;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.transforms.FaultyDevices.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a job that went through faults tells of them, in its report and as Beam's metrics. */
class RunReportTest {
  @Test
  void tellsOfTheFaultsAndTheTimeTheyTook(@TempDir Path folder) throws Exception {
    Path input =
        Files.writeString(
            folder.resolve("prompts.txt"), "a fox\nan owl\nsome poison\na hen\na cat\na dog\n");
    FakeTime time = new FakeTime();
    FaultyDevices devices =
        FaultyDevices.of(FakeDevices.withSlots(4), time).withMemoryFor(2).at(2, Kind.BUSY);
    DatasetJob job =
        new DatasetJob(
                input,
                folder.resolve("out"),
                TestSettings.builder()
                    .sampling(new Sampling(SchedulerKind.DDIM, 2, 1, 8, 8))
                    .maxFailureRatio(0.5)
                    .build())
            .on(devices)
            .timedBy(time)
            .withTargetParallelism(1);

    Map<String, Long> counters = job.run();

    JsonNode report;
    try (Stream<Path> runs = Files.list(folder.resolve("out/runs"))) {
      Path run = runs.filter(path -> !path.endsWith("leases")).findFirst().orElseThrow();
      report = new ObjectMapper().readTree(run.resolve("report.json").toFile());
    }
    assertThat(counters)
        .containsEntry("retries", 1L)
        .containsEntry("splits", 1L)
        .containsEntry("oomHalvings", 1L)
        .containsEntry("batches", report.at("/batches").asLong())
        .containsEntry("deviceMillis", report.at("/device_millis").asLong())
        .containsEntry("generateMicros", report.at("/stages/generate/count").asLong())
        .containsEntry("encodeMicros", 5L)
        .containsEntry("writeMicros", 5L)
        .containsEntry("commitMicros", 1L);
    assertThat(report.at("/retries").asInt()).isEqualTo(1);
    assertThat(report.at("/splits").asInt()).isEqualTo(1);
    assertThat(report.at("/oom_halvings").asInt()).isEqualTo(1);
    assertThat(report.at("/stages/generate/count").asInt())
        .isEqualTo(report.at("/batches").asInt());
    assertThat(report.at("/stages/encode/count").asInt()).isEqualTo(5);
    assertThat(report.at("/stages/write/count").asInt()).isEqualTo(5);
    assertThat(report.at("/stages/commit/count").asInt()).isEqualTo(1);
    // All the time that passed here was spent waiting for a busy device.
    assertThat(counters.get("workMillis")).isEqualTo(time.sleeps().get(0).toMillis());
    assertThat(report.at("/device_busy_ratio").asDouble()).isZero();
  }
}
