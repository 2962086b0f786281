package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.fixtures.TinyModels;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program, in a JVM of its own, is killed without warning at random moments and started again
 * with the same command: nothing is lost, nothing is made twice, and the finished dataset is the
 * one of a run that nobody disturbed, byte for byte.
 */
class KilledRunTest {
  private static final int KILLS = 30;
  private static final int KILLS_A_DATASET = 5;
  private static final long SEED = 4;

  private final Path directory;
  private final Path prompts;

  KilledRunTest(@TempDir Path directory) throws IOException {
    this.directory = directory;
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 30; i++) {
      lines.append("{\"prompt\": \"a quiet harbour\", \"id\": \"p").append(i);
      lines.append(i % 3 == 0 ? "\", \"width\": 64, \"height\": 64}\n" : "\"}\n");
    }
    lines.append("{\"prompt\": \"\"}\n");
    this.prompts = Files.writeString(directory.resolve("prompts.jsonl"), lines);
  }

  private Process start(Path output) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-cp",
            System.getProperty("java.class.path"),
            Shardlight.class.getName(),
            "generate",
            "--input=" + prompts,
            "--output=" + output,
            "--model=" + TinyModels.torch(),
            "--steps=2",
            "--shardSize=4");
    builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
    File log = directory.resolve("log").toFile();
    return builder.redirectErrorStream(true).redirectOutput(log).start();
  }

  private SortedMap<String, byte[]> finish(Path output) throws Exception {
    Process process = start(output);
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    process.destroyForcibly();
    assertThat(ended && process.exitValue() == 0)
        .as(Files.readString(directory.resolve("log")))
        .isTrue();
    return Launch.contents(output);
  }

  @Test
  @Timeout(value = 40, unit = TimeUnit.MINUTES) // some forty processes, one after the other
  void endsInTheSameBytes() throws Exception {
    finish(directory.resolve("first")); // fills the caches
    long start = System.nanoTime();
    SortedMap<String, byte[]> undisturbed = finish(directory.resolve("undisturbed"));
    long wholeMillis = (System.nanoTime() - start) / 1_000_000;
    Random random = new Random(SEED);
    int kills = 0;
    int datasets = 0;
    int shardsKept = 0;

    while (kills < KILLS) {
      Path output = directory.resolve("killed-" + datasets++);
      for (int i = 0; i < KILLS_A_DATASET && kills < KILLS; i++) {
        Process process = start(output);
        boolean ended = process.waitFor(random.nextInt((int) wholeMillis), TimeUnit.MILLISECONDS);
        process.destroyForcibly().waitFor();
        kills += ended ? 0 : 1;
      }
      shardsKept += shards(output).size();
      SortedMap<String, byte[]> resumed = finish(output);

      assertThat(resumed.keySet()).isEqualTo(undisturbed.keySet());
      assertThat(resumed)
          .allSatisfy((file, bytes) -> assertThat(bytes).as(file).isEqualTo(undisturbed.get(file)));
    }

    System.out.printf(
        "%d runs killed over %d datasets; %d of %d shards were there when the last runs began%n",
        kills, datasets, shardsKept, datasets * shards(directory.resolve("undisturbed")).size());
    // Else the kills came too early to show anything.
    assertThat(shardsKept).isPositive();
  }

  private static List<String> shards(Path output) {
    return Files.exists(output)
        ? Launch.contents(output).keySet().stream()
            .filter(name -> name.matches("_shards/[0-9]+\\.json"))
            .toList()
        : List.of();
  }
}
