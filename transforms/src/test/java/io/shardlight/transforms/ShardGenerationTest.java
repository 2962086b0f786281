package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Sampling;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardGenerationTest {
  private static final GenerationSettings SETTINGS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.DDIM, 2, 1, 8, 8))
          .layout(Layout.FILES)
          .build();

  private final Path folder;

  ShardGenerationTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void onlyTheLastBatchIsShort() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(4);

    ShardReport report = generate(devices, examples("fox", "owl", "hen", "cow", "pig", "cat"));

    assertThat(devices.log().batches).extracting(List::size).containsExactly(4, 2);
    assertThat(report.work().batches()).isEqualTo(2);
    assertThat(report.work().paddedSlots()).isEqualTo(2);
    assertThat(report.facts().ok()).isEqualTo(6);
  }

  @Test
  void aFailingBatchIsHalvedUntilTheCulpritStandsAlone() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(8);

    ShardReport report =
        generate(
            devices, examples("fox", "owl", "poison 1", "cow", "pig", "cat", "poison 2", "dog"));

    assertThat(report.facts().ok()).isEqualTo(6);
    assertThat(report.facts().failed()).isEqualTo(2);
    assertThat(devices.log().batches.stream().mapToInt(List::size).sum()).isEqualTo(6);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void anEngineThatFailsOnOnePromptOnlyCostsOneRow(int slots) throws Exception {
    ShardReport report =
        generate(FakeDevices.withSlots(slots), examples("fox", "bane", "owl", "hen"));

    assertThat(report.facts().ok()).isEqualTo(3);
    assertThat(report.facts().failed()).isEqualTo(1);
  }

  @Test
  void anEngineThatFailsBeforeAnythingWasDrawnFailsTheShard() {
    assertThatThrownBy(
            () ->
                generate(
                    FakeDevices.withSlots(1), examples("bane 1", "bane 2", "bane 3", "bane 4")))
        .isInstanceOf(EngineException.class);
    assertThat(folder.resolve("manifest")).doesNotExist();
  }

  @Test
  void aFaultIsNoExamplesFaultAndLeavesNoMarker() {
    assertThatThrownBy(
            () -> generate(FakeDevices.withSlots(2), examples("fox", "fault", "owl", "hen")))
        .hasMessageContaining("device lost");
    assertThat(folder.resolve(DatasetPaths.marker(0))).doesNotExist();
    assertThat(folder.resolve("manifest")).doesNotExist();
  }

  @Test
  void theDevicesDrawTheNextBatchWhileImagesAreBeingWritten() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(1);
    ObjectStore folderStore = ObjectStore.open(folder.toString());
    // Writing the first image takes until the devices are done with the second.
    ObjectStore slow =
        (ObjectStore)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {ObjectStore.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("createOrAdopt")) {
                    await(() -> devices.log().batches.size() == 2);
                  }
                  return method.invoke(folderStore, arguments);
                });

    assertThat(generate(devices, slow, examples("fox", "owl")).facts().ok()).isEqualTo(2);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the second batch was not drawn while the first was written");
      }
      Thread.onSpinWait();
    }
  }

  @Test
  void anImageThatCannotBeWrittenFailsTheShard() throws Exception {
    List<Example> examples = examples("fox", "owl", "hen");
    Path image = folder.resolve(DatasetPaths.image(examples.get(0).id(), ImageFormat.PNG));
    Files.createDirectories(image.getParent());
    Files.writeString(image, "not ours");

    assertThatThrownBy(() -> generate(FakeDevices.withSlots(1), examples))
        .hasMessageContaining("an image could not be written: wanted to create images/");
    assertThat(folder.resolve(DatasetPaths.marker(0))).doesNotExist();
  }

  @Test
  void aCommittedShardIsTakenFromItsMarker() throws Exception {
    List<Example> examples = examples("fox", "owl", "hen");
    ShardReport made = generate(FakeDevices.withSlots(2), examples);
    FakeDevices devices = FakeDevices.withSlots(2);

    ShardReport again = generate(devices, examples);

    assertThat(devices.log().batches).isEmpty();
    assertThat(again.alreadyPresent()).isTrue();
    assertThat(again.facts()).isEqualTo(made.facts());
    assertThatThrownBy(() -> generate(devices, examples("fox", "owl")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("shard marker _shards/00000.json")
        .hasMessageContaining("example_ids_sha256");
  }

  @Test
  void aShardWhoseGeneratorIsReleasedMeanwhileFailsAsAWhole() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(1);
    CountDownLatch drawing = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    SharedGenerator shared =
        SharedGenerator.acquire(
            UUID.randomUUID().toString(), new HoldsFirstBatch(devices, drawing, release));
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Example> examples = examples("fox", "owl", "hen");
      Future<ShardReport> shard = threads.submit(() -> generate(shared, examples));
      drawing.await();
      Future<?> releasing = threads.submit(shared::release);

      assertThatThrownBy(() -> releasing.get(200, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      assertThat(devices.log().open).hasValue(1);
      release.countDown();

      releasing.get(20, TimeUnit.SECONDS);
      assertThat(devices.log().open).hasValue(0);
      assertThatThrownBy(() -> shard.get(20, TimeUnit.SECONDS))
          .hasMessageContaining("because")
          .hasMessageContaining("job is ending");
    } finally {
      release.countDown();
      threads.shutdownNow();
    }
    assertThat(folder.resolve(DatasetPaths.marker(0))).doesNotExist();
    assertThat(folder.resolve("manifest")).doesNotExist();
  }

  /** Devices whose first batch waits to be let go. */
  private record HoldsFirstBatch(
      FakeDevices devices, CountDownLatch drawing, CountDownLatch release)
      implements GeneratorFactory {
    @Override
    public ImageGenerator create() {
      ImageGenerator whole = devices.create();
      return new GeneratorAround(whole) {
        @Override
        public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
            throws InterruptedException {
          drawing.countDown();
          release.await();
          return whole.generate(requests, slots);
        }
      };
    }
  }

  private ShardReport generate(SharedGenerator shared, List<Example> examples) throws Exception {
    ObjectStore store = ObjectStore.open(folder.toString());
    return new ShardGeneration(
            shared, SETTINGS, store, LocalProgress.of(folder.toString()), () -> {})
        .generate(new ShardKey(0, examples.get(0).shape()), examples);
  }

  private ShardReport generate(GeneratorFactory devices, List<Example> examples) throws Exception {
    return generate(devices, ObjectStore.open(folder.toString()), examples);
  }

  private ShardReport generate(GeneratorFactory devices, ObjectStore store, List<Example> examples)
      throws Exception {
    SharedGenerator shared = SharedGenerator.acquire(UUID.randomUUID().toString(), devices);
    try {
      return new ShardGeneration(
              shared, SETTINGS, store, LocalProgress.of(folder.toString()), () -> {})
          .generate(new ShardKey(0, examples.get(0).shape()), examples);
    } finally {
      shared.release();
    }
  }

  private static List<Example> examples(String... prompts) {
    List<Example> examples = new ArrayList<>();
    for (String prompt : prompts) {
      PromptSource source = new PromptSource("p.txt", examples.size() + 1);
      new ExamplePlanner(SETTINGS)
          .plan(
              new Prompt(source, Prompt.defaultId(source), prompt, Overrides.NONE, Map.of()),
              examples::add);
    }
    return examples;
  }
}
