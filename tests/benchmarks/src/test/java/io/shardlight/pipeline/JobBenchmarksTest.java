package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobBenchmarksTest {
  @TempDir private Path folder;

  @Test
  void manyPromptsMakeAFinishedDataset() throws Exception {
    JsonNode report = ManyPrompts.run(2500, 0, folder);

    assertThat(report.get("finished").booleanValue()).isTrue();
    assertThat(report.get("examples").intValue()).isEqualTo(2500);
    assertThat(report.get("runner").textValue()).isEqualTo("DirectRunner");
    assertThat(report.get("examplesPerSecond").doubleValue()).isPositive();
    assertThat(report.get("shuffledBytesPerExample").intValue()).isBetween(100, 150);
    assertThat(report.get("heapMegabytes").get("maximum").intValue()).isPositive();
    // A shard has 1000 examples.
    assertThat(folder.resolve("out/_shards")).isDirectoryContaining("glob:**00002.json");
  }

  @Test
  void theWholeJobIsComparedWithDrawingAlone() throws Exception {
    JsonNode report =
        WholeJob.run(3, 2, Files.createDirectory(folder.resolve("whole")), "--steps=1");

    assertThat(report.get("rounds")).hasSize(2);
    for (JsonNode round : report.get("rounds")) {
      double parts =
          round.get("beforeSeconds").doubleValue()
              + round.get("drawingSeconds").doubleValue()
              + round.get("afterSeconds").doubleValue();
      assertThat(parts).isCloseTo(round.get("jobSeconds").doubleValue(), within(1e-6));
      assertThat(round.get("loopSeconds").doubleValue()).isPositive();
    }
    assertThat(report.get("medians").get("wallRatio").doubleValue()).isPositive();
    assertThat(folder.resolve("whole/round-1/_SUCCESS")).exists();
  }

  @Test
  void loopAndJobRunInTurns() throws Exception {
    JsonNode report =
        TakenInTurns.run(3, 0.5, Files.createDirectory(folder.resolve("turns")), "--steps=1");

    assertThat(report.get("loopSeconds").doubleValue()).isPositive();
    assertThat(report.get("jobSeconds").doubleValue()).isPositive();
    assertThat(report.get("loop").get("loopCpuSeconds").doubleValue()).isPositive();
    assertThat(report.get("job").get("jobCpuSeconds").doubleValue()).isPositive();
    assertThat(folder.resolve("turns/job/out/_SUCCESS")).exists();
  }
}
