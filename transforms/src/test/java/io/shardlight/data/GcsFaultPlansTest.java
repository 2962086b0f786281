package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.ObjectStore.Creation;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever goes wrong on the way, and in whatever order: the right objects, each created by exactly
 * one of those who tried.
 */
class GcsFaultPlansTest {
  private static final int PLANS = 16;
  private static final int NAMES = 8;
  private static final int WRITERS = 3;
  private static final int LARGE = 9 << 20;

  private static final Fault[] PASSING = {
    Fault.TOO_MANY_REQUESTS,
    Fault.UNAVAILABLE,
    Fault.CONNECTION_LOST,
    Fault.ACKNOWLEDGEMENT_LOST,
    Fault.SLOW_ANSWER,
    Fault.ANSWER_CUT,
    Fault.RESET_IN_UPLOAD
  };

  @TempDir Path folder;

  @Test
  void anyPlanOfPassingFaultsEndsWithExactlyTheRightObjects() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
    int befallen = 0;
    try (FakeGcs gcs = FakeGcs.start("bucket")) {
      gcs.slowness(Duration.ofMillis(5));
      for (int seed = 0; seed < PLANS; seed++) {
        gcs.inject(FaultPlan.seeded(seed, 0.4, 2, PASSING));
        int before = gcs.requests().size();

        Map<String, byte[]> expected = run(gcs, seed, threads);

        befallen +=
            (int) gcs.requests().stream().skip(before).filter(r -> !r.endsWith("NONE")).count();
        String prefix = "plan" + seed + "/";
        Map<String, byte[]> found = new TreeMap<>();
        gcs.objects("bucket")
            .forEach(
                (name, content) -> {
                  if (name.startsWith(prefix)) {
                    found.put(name.substring(prefix.length()), content);
                  }
                });
        assertThat(found.keySet()).as("seed %d", seed).isEqualTo(expected.keySet());
        assertThat(found)
            .as("seed %d", seed)
            .allSatisfy((name, content) -> assertThat(content).isEqualTo(expected.get(name)));
        found.keySet().forEach(name -> gcs.delete("bucket", prefix + name));
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(befallen).isGreaterThan(PLANS * NAMES);
  }

  /** Writers race for all names, and read, list and replace meanwhile. */
  private Map<String, byte[]> run(FakeGcs gcs, int seed, ExecutorService threads) throws Exception {
    Map<String, byte[]> contents = new TreeMap<>();
    Random random = new Random(seed);
    for (int i = 0; i < NAMES; i++) {
      // Now and then one that is sent in a session of its own.
      boolean large = seed % 10 == 0 && i == 0;
      byte[] content = new byte[large ? LARGE : random.nextInt(100_000)];
      random.nextBytes(content);
      contents.put("images/" + i + ".png", content);
    }
    for (Map.Entry<String, byte[]> entry : contents.entrySet()) {
      Files.write(spool(entry.getKey()), entry.getValue());
    }
    Path gallery = Files.writeString(folder.resolve("gallery"), "gallery " + seed);

    List<Future<Integer>> created = new ArrayList<>();
    for (int writer = 0; writer < WRITERS; writer++) {
      ObjectStore store = open(gcs, seed);
      Callable<Integer> writing =
          () -> {
            int count = 0;
            for (Map.Entry<String, byte[]> entry : contents.entrySet()) {
              Creation creation =
                  entry.getValue().length % 2 == 0
                      ? store.createOrAdopt(entry.getKey(), entry.getValue())
                      : store.createOrAdopt(entry.getKey(), spool(entry.getKey()));
              count += creation == Creation.CREATED ? 1 : 0;
              try (InputStream in = store.read(entry.getKey())) {
                assertThat(in.readAllBytes()).isEqualTo(entry.getValue());
              }
              assertThat(store.list(entry.getKey())).containsExactly(entry.getKey());
            }
            store.replace("gallery/index.html", gallery);
            assertThat(store.exists("gallery/index.html")).isTrue();
            return count;
          };
      created.add(threads.submit(writing));
    }
    int count = 0;
    for (Future<Integer> one : created) {
      count += one.get();
    }
    assertThat(count).as("created, seed %d", seed).isEqualTo(NAMES);
    contents.put("gallery/index.html", ("gallery " + seed).getBytes(UTF_8));
    return contents;
  }

  private Path spool(String name) {
    return folder.resolve(name.replace('/', '-'));
  }

  private static ObjectStore open(FakeGcs gcs, int seed) {
    return new GcsObjectStore(
        GcsClient.of(
            PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0])).create(),
            QuickRetries.within(Duration.ofMinutes(1))),
        GcsPlace.parse("gs://bucket/plan" + seed));
  }
}
