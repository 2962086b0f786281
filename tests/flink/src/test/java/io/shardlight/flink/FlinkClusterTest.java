package io.shardlight.flink;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The demo job on a cluster of a JobManager and two TaskManagers, each a JVM of its own: the bytes
 * are the DirectRunner's, although a TaskManager is killed while it draws.
 */
class FlinkClusterTest {
  private static final int SHARDS = 8;
  private static final int IMAGES = 24;

  private final Path home;
  private final Path prompts;

  FlinkClusterTest(@TempDir Path home) throws IOException {
    this.home = home;
    this.prompts =
        Files.writeString(home.resolve("prompts.txt"), "a red house\na blue boat\na green ball\n");
  }

  private Client generate(String output, String... more) throws IOException {
    List<String> words = new ArrayList<>();
    words.add("generate");
    words.add("--input=" + prompts);
    words.add("--output=" + home.resolve(output));
    words.add("--imagesPerPrompt=" + IMAGES / 3);
    words.add("--shardSize=" + IMAGES / SHARDS);
    words.add("--steps=3");
    words.add("--json");
    words.addAll(List.of(more));
    return Client.start(home, words);
  }

  private static JsonNode finish(Client client) throws IOException, InterruptedException {
    assertThat(client.status()).as(client.printed()).isZero();
    String printed = client.printed();
    return new ObjectMapper().readTree(printed.substring(printed.indexOf('{')));
  }

  @Test
  void losesNothingWithAKilledTaskManagerAndDrawsTheBytesOfTheDirectRunner() throws Exception {
    SortedMap<String, byte[]> direct;
    try (Client client = generate("direct")) {
      finish(client);
      direct = contents(home.resolve("direct"));
    }
    List<ProcessHandle> before;
    try (Cluster cluster = Cluster.start(home.resolve("cluster"))) {
      before = cluster.alive();
      assertThat(before).hasSize(3);
      String[] flink = {"--runner=FlinkRunner", cluster.master(), "--parallelism=2"};

      // 1. Both draw, something is committed and something is not: one is killed.
      int committed;
      try (Client client = generate("flink", flink)) {
        await(client, () -> !shards("flink").isEmpty() && draws(cluster, 1) && draws(cluster, 2));
        committed = shards("flink").size();
        cluster.kill("taskmanager-1");
        assertThat(shards("flink").size()).isLessThan(SHARDS);

        JsonNode report = finish(client);

        assertThat(cluster.log("jobmanager")).contains("switched from state RUNNING to RESTARTING");
        assertThat(report.at("/counts/already_present").asInt())
            .isGreaterThanOrEqualTo(committed)
            .isLessThan(IMAGES);
        assertThat(
                report.at("/counts/already_present").asInt()
                    + report.at("/counts/generated").asInt())
            .isEqualTo(IMAGES);
        System.out.printf(
            "%d of %d shards were committed at the kill; of %d images %d were there when the job"
                + " went on%n",
            committed, SHARDS, IMAGES, report.at("/counts/already_present").asInt());
      }
      assertThat(contents(home.resolve("flink")).keySet()).isEqualTo(direct.keySet());
      assertThat(contents(home.resolve("flink")))
          .allSatisfy((file, bytes) -> assertThat(bytes).as(file).isEqualTo(direct.get(file)));

      // 2. Another job on the same cluster, which loads the natives again, draws the same.
      try (Client client = generate("again", flink)) {
        await(client, () -> !shards("again").isEmpty());

        // 3. Ctrl-C cancels it, and its output is free at once for the next.
        client.terminate();
        assertThat(client.status()).isNotZero();
        assertThat(client.printed()).contains("Interrupted; cancelling job shardlight-");
        assertThat(home.resolve("again/runs/leases/00001.ended")).as(client.printed()).exists();
      }
      assertThat(home.resolve("again/_SUCCESS")).doesNotExist();
      String shard = "images/" + shards("again").get(0).replace("json", "tar");
      assertThat(contents(home.resolve("again")).get(shard)).isEqualTo(direct.get(shard));
    }
    assertThat(before).noneMatch(ProcessHandle::isAlive);
  }

  /** Whether a TaskManager has the weights, which it loads when it is to draw. */
  private static boolean draws(Cluster cluster, int taskManager) throws IOException {
    return cluster.log("taskmanager-" + taskManager).contains("Replicated the weights");
  }

  private List<String> shards(String output) throws IOException {
    Path folder = home.resolve(output).resolve("_shards");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> String.valueOf(file.getFileName()))
          .filter(name -> name.matches("[0-9]+\\.json"))
          .toList();
    }
  }

  private static void await(Client client, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
    while (!condition.call()) {
      assertThat(client.isAlive() && System.nanoTime() < deadline).as(client.printed()).isTrue();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
    }
  }

  private static SortedMap<String, byte[]> contents(Path dataset) throws IOException {
    SortedMap<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(dataset)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        String name = dataset.relativize(file).toString();
        if (!name.startsWith("runs/")) {
          files.put(name, Files.readAllBytes(file));
        }
      }
    }
    return files;
  }
}
