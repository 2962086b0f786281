package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Sampling;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.transforms.FaultyDevices.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a shard when devices fail. */
class ContainmentTest {
  private static final GenerationSettings SETTINGS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.DDIM, 2, 1, 8, 8))
          .layout(Layout.FILES)
          .build();

  private static final Overrides LARGE = new OverridesBuilder().width(64).height(64).build();

  private final Path folder;
  private final FakeTime time = new FakeTime();
  private final String id = UUID.randomUUID().toString();
  private int shards;

  ContainmentTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @AfterEach
  void letGo() {
    time.release();
  }

  @Test
  void aBatchThatDoesNotFitIsHalvedAndItsShapeStaysSmall() throws Exception {
    FaultyDevices devices = devices(8).withMemoryFor(3);
    SharedGenerator shared = acquire(devices);

    ShardReport first = generate(shared, examples(10, Overrides.NONE));
    ShardReport second = generate(shared, examples(3, Overrides.NONE));
    ShardReport other = generate(shared, examples(3, LARGE));

    assertThat(devices.calls().slots)
        .as("sizes of the programs that ran")
        .containsExactly(2, 2, 2, 2, 2, 2, 2, 2, 2);
    assertThat(first.facts().ok()).isEqualTo(10);
    assertThat(first.work().containment()).isEqualTo(new ShardReport.Containment(0, 0, 2));
    assertThat(second.work().containment()).isEqualTo(ShardReport.Containment.NONE);
    assertThat(second.work().paddedSlots()).isEqualTo(1);
    assertThat(other.work().containment().oomHalvings()).isEqualTo(2);
    shared.release();
  }

  @Test
  void aPoisonousPromptIsFoundInASmallerBatchToo() throws Exception {
    FaultyDevices devices = devices(8).withMemoryFor(4);
    SharedGenerator shared = acquire(devices);

    ShardReport report =
        generate(shared, examples(Overrides.NONE, "fox", "owl", "poison", "hen", "cow", "pig"));

    assertThat(report.facts().ok()).isEqualTo(5);
    assertThat(report.facts().failed()).isEqualTo(1);
    shared.release();
  }

  @Test
  void anImageThatItsRecordMadeTooLargeCostsItsOwnRows() throws Exception {
    FaultyDevices devices = devices(4);
    SharedGenerator shared = acquire(devices);

    // Before anything else was drawn, for shards come in any order.
    ShardReport giants = generate(shared, examples(LARGE, "giant 1", "giant 2", "giant 3"));
    ShardReport others = generate(shared, examples(4, Overrides.NONE));

    assertThat(giants.facts().failed()).isEqualTo(3);
    assertThat(giants.facts().ok()).isZero();
    assertThat(others.facts().ok()).isEqualTo(4);
    assertThat(shared.isLost()).isFalse();
    shared.release();
  }

  @Test
  void notAllOfMuchTooLargeImagesAreTried() throws Exception {
    FaultyDevices devices = devices(1);
    SharedGenerator shared = acquire(devices);

    ShardReport report =
        generate(
            shared,
            examples(
                LARGE, IntStream.range(0, 9).mapToObj(i -> "giant " + i).toArray(String[]::new)));

    assertThat(report.facts().failed()).isEqualTo(9);
    assertThat(devices.calls().count).hasValue(3);
    shared.release();
  }

  @Test
  void imagesOfTheRunsOwnSizeMustFit() throws Exception {
    SharedGenerator shared = acquire(devices(4).withMemoryFor(0));

    assertThatThrownBy(() -> generate(shared, examples(2, Overrides.NONE)))
        .isInstanceOf(DeviceFault.OutOfMemory.class)
        .hasMessageContaining("must take an image of 8x8 without guidance, but does not take one")
        .hasMessageContaining("choose a smaller width and height");
    assertNothingCommitted();
    shared.release();
  }

  @Test
  void memoryThatIsShortForAMomentIsWaitedFor() throws Exception {
    FaultyDevices devices = devices(1).at(1, Kind.SHORT).at(2, Kind.SHORT);
    SharedGenerator shared = acquire(devices);

    ShardReport report = generate(shared, examples(3, Overrides.NONE));

    assertThat(report.facts().ok()).isEqualTo(3);
    assertThat(report.work().containment().retries()).isEqualTo(2);
    assertThat(time.sleeps()).hasSize(2);
    shared.release();
  }

  @Test
  void memoryThatStaysShortIsNoExamplesFault() throws Exception {
    FaultyDevices devices = devices(1);
    for (int call = 1; call < 20; call++) {
      devices = devices.at(call, Kind.SHORT);
    }
    SharedGenerator shared = acquire(devices);

    assertThatThrownBy(() -> generate(shared, examples(3, LARGE)))
        .isInstanceOf(DeviceFault.OutOfMemory.class)
        .hasMessageContaining("as it did before");
    assertNothingCommitted();
    shared.release();
  }

  @Test
  void whatPassesIsTriedAgainWithGrowingDelays() throws Exception {
    FaultyDevices devices = devices(2);
    for (int call = 0; call < Backoff.OF_DEVICES.retries(); call++) {
      devices = devices.at(call, Kind.BUSY);
    }
    SharedGenerator shared = acquire(devices);

    ShardReport report = generate(shared, examples(4, Overrides.NONE));

    assertThat(report.facts().ok()).isEqualTo(4);
    assertThat(report.work().containment()).isEqualTo(new ShardReport.Containment(6, 0, 0));
    List<Long> most = List.of(1L, 2L, 4L, 8L, 16L, 30L);
    assertThat(time.sleeps()).hasSameSizeAs(most);
    for (int i = 0; i < most.size(); i++) {
      Duration longest = Duration.ofSeconds(most.get(i));
      assertThat(time.sleeps().get(i)).isBetween(longest.dividedBy(2), longest);
    }
    shared.release();
  }

  @Test
  void whatDoesNotPassIsTheRunners() throws Exception {
    FaultyDevices devices = devices(2);
    for (int call = 0; call < 20; call++) {
      devices = devices.at(call, Kind.BUSY);
    }
    SharedGenerator shared = acquire(devices);

    assertThatThrownBy(() -> generate(shared, examples(4, Overrides.NONE)))
        .isInstanceOf(DeviceFault.Transient.class)
        .hasMessageContaining("after 6 retries");
    assertNothingCommitted();
    assertThat(shared.isLost()).isFalse();
    shared.release();
  }

  @Test
  void aFailureThatDoesNotComeAgainIsHeldAgainstNobody() throws Exception {
    SharedGenerator shared = acquire(devices(1).at(1, Kind.FAILS));

    assertThat(generate(shared, examples(3, Overrides.NONE)).facts().ok()).isEqualTo(3);
    shared.release();
  }

  /** Else the row would depend on what befell the run. */
  @Test
  void aRowHasTheFailureThatComesAgain() throws Exception {
    List<Example> examples = examples(Overrides.NONE, "poison", "fox", "owl", "hen");
    // The shard's first is the poisonous one, whatever its id is.
    int first = 0;
    while (!examples.stream().min(Example.ORDER).orElseThrow().equals(examples.get(0))) {
      examples = examples(Overrides.NONE, "poison " + first++, "fox", "owl", "hen");
    }
    SharedGenerator shared = acquire(devices(1).at(0, Kind.FAILS));

    generate(shared, examples);

    List<String> classes = new ArrayList<>();
    ManifestFile.read(
        "manifest/00000.avro",
        Files.readAllBytes(folder.resolve("manifest/00000.avro")),
        row -> classes.add(String.valueOf(row.get("error_class"))));
    assertThat(classes)
        .containsExactly("java.lang.IllegalArgumentException", "null", "null", "null");
    shared.release();
  }

  @Test
  void lostDevicesAreClosedAtOnceAndLoadedAnewForTheNext() throws Exception {
    FakeDevices fakes = FakeDevices.withSlots(2);
    FaultyDevices devices = FaultyDevices.of(fakes, time).at(1, Kind.LOST);
    SharedGenerator mine = acquire(devices);
    SharedGenerator others = acquire(devices);

    assertThatThrownBy(() -> generate(mine, examples(4, Overrides.NONE)))
        .isInstanceOf(DeviceFault.Lost.class);

    assertNothingCommitted();
    assertThat(fakes.log().open).as("closed while others still have it").hasValue(0);
    assertThatThrownBy(() -> generate(others, examples(1, Overrides.NONE)))
        .isInstanceOf(GeneratorFault.class)
        .hasMessageContaining("its devices are lost (lost)");
    mine.release();
    SharedGenerator next = others.orFresh(devices);
    assertThat(next).isNotSameAs(others);
    assertThat(next.orFresh(devices)).isSameAs(next);
    assertThat(generate(next, examples(4, Overrides.NONE)).facts().ok()).isEqualTo(4);
    assertThat(fakes.log().loads).hasValue(2);
    next.release();
    assertThat(fakes.log().open).hasValue(0);
  }

  @Test
  void devicesThatDrawNothingAnyMoreAreTakenForLost() throws Exception {
    FakeDevices fakes = FakeDevices.withSlots(1);
    SharedGenerator shared = SharedGenerator.acquire(id, fakes, time);

    assertThatThrownBy(() -> generate(shared, examples(Overrides.NONE, "fox", "fault", "hen")))
        .hasMessageContaining("device lost");

    assertThat(shared.isLost()).isTrue();
    assertThat(fakes.log().open).hasValue(0);
    shared.release();
  }

  @Test
  void aCallThatNeverEndsIsLeftBehind() throws Exception {
    FakeDevices fakes = FakeDevices.withSlots(2);
    FaultyDevices devices = FaultyDevices.of(fakes, time).at(1, Kind.HANGS);
    SharedGenerator shared = acquire(devices);
    List<Example> examples = examples(6, Overrides.NONE);

    assertThatThrownBy(() -> generate(shared, examples))
        .isInstanceOf(DeviceFault.Lost.class)
        .hasMessageContaining("must draw 2 images of 8x8 without guidance within PT10M")
        .hasMessageContaining("restart the worker")
        .cause()
        .satisfies(
            where ->
                assertThat(where.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("hang")));

    assertNothingCommitted();
    assertThat(fakes.log().open).as("nobody closes what is in use").hasValue(1);
    SharedGenerator next = shared.orFresh(devices);
    assertThat(generate(next, examples).facts().ok()).isEqualTo(6);
    next.release();
    assertThat(fakes.log().open).hasValue(1);
  }

  @Test
  void whoIsInterruptedWaitsForTheDevices() throws Exception {
    FaultyDevices devices = devices(2);
    SharedGenerator shared = SharedGenerator.acquire(id, devices, new InterruptsFirst(time));

    assertThatThrownBy(() -> generate(shared, examples(2, Overrides.NONE)))
        .isInstanceOf(InterruptedException.class);

    assertThat(devices.calls().slots).as("ended by then").hasSize(1);
    assertThat(shared.isLost()).isFalse();
    shared.release();
  }

  @Test
  void whoIsInterruptedDoesNotWaitForEver() throws Exception {
    FaultyDevices devices = devices(2).at(0, Kind.HANGS);
    SharedGenerator shared = SharedGenerator.acquire(id, devices, new InterruptsFirst(time));

    assertThatThrownBy(() -> generate(shared, examples(2, Overrides.NONE)))
        .isInstanceOf(DeviceFault.Lost.class);

    assertThat(shared.isLost()).isTrue();
    shared.release();
  }

  /** Who waits is interrupted the first time. */
  private static final class InterruptsFirst implements Timepiece {
    private final FakeTime time;
    private boolean interrupted;

    InterruptsFirst(FakeTime time) {
      this.time = time;
    }

    @Override
    public long nanoTime() {
      return time.nanoTime();
    }

    @Override
    public void sleep(Duration duration) {
      time.sleep(duration);
    }

    @Override
    public boolean join(Thread thread, Duration longest) throws InterruptedException {
      if (!interrupted) {
        interrupted = true;
        throw new InterruptedException();
      }
      return time.join(thread, longest);
    }
  }

  private FaultyDevices devices(int slots) {
    return FaultyDevices.of(FakeDevices.withSlots(slots), time);
  }

  private SharedGenerator acquire(FaultyDevices devices) throws Exception {
    return SharedGenerator.acquire(id, devices, time);
  }

  private ShardReport generate(SharedGenerator shared, List<Example> examples) throws Exception {
    ObjectStore store = ObjectStore.open(folder.toString());
    return new ShardGeneration(
            shared, SETTINGS, store, LocalProgress.of(folder.toString()), () -> {})
        .generate(new ShardKey(shards++, examples.get(0).shape()), examples);
  }

  private void assertNothingCommitted() {
    assertThat(folder.resolve(DatasetPaths.marker(shards - 1))).doesNotExist();
    assertThat(folder.resolve("manifest")).doesNotExist();
  }

  private static List<Example> examples(int count, Overrides overrides) {
    return examples(
        overrides, IntStream.range(0, count).mapToObj(i -> "fox " + i).toArray(String[]::new));
  }

  private static List<Example> examples(Overrides overrides, String... prompts) {
    List<Example> examples = new ArrayList<>();
    for (String prompt : prompts) {
      PromptSource source = new PromptSource("p.txt", examples.size() + 1);
      new ExamplePlanner(SETTINGS)
          .plan(
              new Prompt(source, Prompt.defaultId(source), prompt, overrides, Map.of()),
              examples::add);
    }
    return examples;
  }
}
