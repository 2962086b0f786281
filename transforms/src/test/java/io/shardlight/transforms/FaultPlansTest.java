package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.Sampling;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * Whole jobs whose devices and disk fail by plans, and which are run again as a user would until
 * one ends well: the dataset is then the one of a job that nothing befell, byte for byte. So
 * nothing is lost, nothing is there twice, and only poison costs rows.
 */
class FaultPlansTest {
  /** Runs after which faults can't be the reason any more. */
  private static final int MOST_RUNS = 24;

  /** Two prompts cost their rows, another one is too large for the devices by its own wish. */
  static final String PROMPTS =
      """
      {"prompt": "a red fox"}
      {"prompt": "a blue whale"}
      {"prompt": "some poison", "images": 1}
      {"prompt": "a bane to engines", "images": 1}
      {"prompt": "a giant", "width": 32, "height": 32}
      {"prompt": "a small owl", "width": 8, "height": 16}
      {"prompt": "a green hen"}
      {"prompt": "a slow snail", "steps": 3}
      {"prompt": "a grey cat"}
      {"prompt": "a white crow"}
      {"prompt": ""}
      """;

  private static final int ROWS = 18;

  /** How a job is set up. */
  record Setup(int slots, int memorySlots, int threads, int shardSize, Layout layout) {}

  /** What befalls it, over all its runs. */
  record Faults(Map<Integer, FaultyDevices.Kind> devices, List<FaultyDisk.Planned> disk) {}

  private static final Map<String, Map<String, byte[]>> UNDISTURBED = new ConcurrentHashMap<>();

  private static Path folder = Path.of("made before the first plan");
  private static int plans;
  private static int ofDevices;
  private static int ofDisk;
  private static int reruns;
  private static int hung;

  @BeforeContainer
  static void begin() throws IOException {
    folder = Files.createTempDirectory("fault-plans");
    Files.writeString(folder.resolve("prompts.jsonl"), PROMPTS);
  }

  @AfterContainer
  static void end() throws Exception {
    System.out.printf(
        "%d plans: %d faults of devices (%d calls that never ended), %d of the disk, %d runs"
            + " repeated%n",
        plans, ofDevices, hung, ofDisk, reruns);
    // Threads of runs that failed may still be putting something there.
    await(FaultPlansTest::isCleared);
  }

  private static boolean isCleared() {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
      return true;
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  @Property(tries = 20, seed = "4", shrinking = ShrinkingMode.BOUNDED)
  void nothingIsLostAndNothingIsThereTwice(
      @ForAll("setups") Setup setup, @ForAll("faults") Faults faults) throws Exception {
    GenerationSettings settings = settings(setup.shardSize(), setup.layout());
    Path output = Files.createTempDirectory(folder, "job").resolve("dataset");
    DatasetJob job = new DatasetJob(folder.resolve("prompts.jsonl"), output, settings);
    Map<String, byte[]> wanted = undisturbed(settings);
    FaultyDisk.Plan disk = FaultyDisk.plan(output, faults.disk());
    FakeTime time = new FakeTime();
    FaultyDevices devices =
        FaultyDevices.of(FakeDevices.withSlots(setup.slots()), time)
            .withMemoryFor(setup.memorySlots())
            .at(new TreeMap<>(faults.devices()));
    job.through(FaultyDisk.SCHEME).timedBy(time).withTargetParallelism(setup.threads());

    int runs = 1;
    while (!succeeds(job.on(devices.inNewProcess()))) {
      runs++;
      assertThat(runs).as("runs").isLessThan(MOST_RUNS);
    }

    // Threads of a run that failed may still put away their temporary files.
    await(() -> job.files().keySet().equals(wanted.keySet()));
    Map<String, byte[]> found = job.files();
    assertThat(found.keySet()).isEqualTo(wanted.keySet());
    assertThat(found)
        .allSatisfy((name, bytes) -> assertThat(bytes).as(name).isEqualTo(wanted.get(name)));
    assertThat(job.rows()).hasSize(ROWS);
    assertThat(job.rows()).extracting(r -> r.get("example_id")).doesNotHaveDuplicates();
    time.release();
    plans++;
    reruns += runs - 1;
    ofDisk += disk.befallen();
    for (FaultyDevices.Kind kind : FaultyDevices.Kind.values()) {
      ofDevices += devices.calls().befallen(kind);
    }
    hung += devices.calls().befallen(FaultyDevices.Kind.HANGS);
  }

  static GenerationSettings settings(int shardSize, Layout layout) {
    return TestSettings.builder()
        .sampling(new Sampling(SchedulerKind.PNDM, 2, 7.5f, 16, 24))
        .imagesPerPrompt(2)
        .shardSize(shardSize)
        .layout(layout)
        .maxFailureRatio(0.5)
        .build();
  }

  /** What the same job makes on devices and a disk that do what they should. */
  private static Map<String, byte[]> undisturbed(GenerationSettings settings) throws Exception {
    String key = settings.shardSize() + " " + settings.layout();
    Map<String, byte[]> known = UNDISTURBED.get(key);
    if (known != null) {
      return known;
    }
    Path output = Files.createTempDirectory(folder, "undisturbed").resolve("dataset");
    DatasetJob job = new DatasetJob(folder.resolve("prompts.jsonl"), output, settings);
    job.on(FaultyDevices.of(FakeDevices.withSlots(2), new FakeTime())).run();
    assertThat(job.rows())
        .filteredOn(r -> !r.get("status").toString().equals("ok"))
        .extracting(r -> r.get("prompt").toString())
        .containsExactlyInAnyOrder("some poison", "a bane to engines", "a giant", "a giant");
    UNDISTURBED.put(key, job.files());
    return job.files();
  }

  /** Runs once; it may fail for what was planned and for nothing else. */
  static boolean succeeds(DatasetJob job) {
    try {
      job.run();
      return true;
    } catch (RuntimeException e) {
      assertThat(e)
          .satisfiesAnyOf(
              planned -> assertThat(planned).hasStackTraceContaining(FaultyDisk.PLANNED),
              stuck -> assertThat(stuck).hasStackTraceContaining("the devices must draw"),
              refused -> assertThat(refused).hasStackTraceContaining("your account may not (403"),
              lost -> assertThat(lost).hasStackTraceContaining("must be open to draw"));
      return false;
    }
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(Condition condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.holds() && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  @Provide
  Arbitrary<Setup> setups() {
    return Arbitraries.integers()
        .between(1, 6)
        .flatMap(
            slots ->
                Combinators.combine(
                        Arbitraries.integers().between(1, slots),
                        Arbitraries.integers().between(1, 3),
                        Arbitraries.of(4, 9, 50),
                        Arbitraries.of(Layout.class))
                    .as(
                        (memory, threads, shardSize, layout) ->
                            new Setup(slots, memory, threads, shardSize, layout)));
  }

  /** Some single faults, perhaps a burst that may outlast all patience, and some of the disk. */
  @Provide
  Arbitrary<Faults> faults() {
    Arbitrary<Integer> calls = Arbitraries.integers().between(0, 30);
    Arbitrary<Map<Integer, FaultyDevices.Kind>> single =
        Arbitraries.maps(calls, Arbitraries.of(FaultyDevices.Kind.class)).ofMaxSize(5);
    Arbitrary<Integer> bursts = Arbitraries.integers().between(0, 9);
    Arbitrary<List<FaultyDisk.Planned>> disk =
        Combinators.combine(
                Arbitraries.of(FaultyDisk.Fault.class), Arbitraries.integers().between(0, 40))
            .as(FaultyDisk.Planned::new)
            .list()
            .ofMaxSize(5);
    return Combinators.combine(single, calls, bursts, disk)
        .as(
            (ofDevices, start, length, ofTheDisk) -> {
              Map<Integer, FaultyDevices.Kind> all = new TreeMap<>();
              for (int i = 0; i < length; i++) {
                all.put(start + i, FaultyDevices.Kind.BUSY);
              }
              ofDevices.forEach(
                  (call, kind) -> {
                    // An engine that fails twice at one image is no worse than one that can't draw
                    // it.
                    if (kind != FaultyDevices.Kind.FAILS || !all.containsValue(kind)) {
                      all.put(call, kind);
                    }
                  });
              return new Faults(all, ofTheDisk);
            });
  }
}
