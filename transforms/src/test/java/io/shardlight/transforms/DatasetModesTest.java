package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.DatasetMode;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.data.Sampling;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.verify.DatasetVerification;
import io.shardlight.verify.Problem;
import io.shardlight.verify.Verification;
import io.shardlight.verify.VerificationProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DatasetModesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final GenerationSettings SETTINGS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 8))
          .shardSize(4)
          .manifestFormats(
              List.of(ManifestFormat.AVRO, ManifestFormat.PARQUET, ManifestFormat.JSONL))
          .maxFailureRatio(0.5)
          .build();

  private final Path folder;

  DatasetModesTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private static GenerationSettings settings(Layout layout) {
    return SETTINGS.toBuilder().layout(layout).build();
  }

  /** A prompt file in a folder of its own, so that its name is always the same. */
  private Path prompts(String name, Stream<String> records) throws IOException {
    Path file = Files.createDirectories(folder.resolve(name)).resolve("prompts.jsonl");
    return Files.write(file, records.toList());
  }

  private static Stream<String> foxes(int from, int to) {
    return IntStream.range(from, to)
        .mapToObj(
            i -> "{\"prompt\": \"fox " + i + "\", \"zeta\": \"z" + i + "\", \"alpha\": \"a\"}");
  }

  private DatasetJob job(Path input, GenerationSettings settings) {
    return new DatasetJob(input, folder.resolve("out"), settings);
  }

  private JsonNode datasetJson() throws IOException {
    return JSON.readTree(folder.resolve("out/dataset.json").toFile());
  }

  private static List<String> prompts(DatasetJob job) throws IOException {
    return job.rows().stream().map(row -> row.get("prompt").toString()).toList();
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void extendAddsWhatIsNewInShardsOfItsOwn(Layout layout) throws Exception {
    DatasetJob first = job(prompts("a", foxes(0, 10)), settings(layout));
    first.run();
    Map<String, byte[]> before = first.files();

    FakeDevices devices = FakeDevices.withSlots(3);
    DatasetJob more =
        job(
                prompts("b", Stream.concat(foxes(0, 17), Stream.of("{\"prompt\": \"\"}"))),
                settings(layout))
            .withMode(DatasetMode.EXTEND)
            .on(devices);
    Map<String, Long> counters = more.run();

    assertThat(counters).containsEntry("images", 7L);
    assertThat(devices.log().batches.stream().mapToInt(List::size).sum()).isEqualTo(7);
    Map<String, byte[]> after = more.files();
    before.forEach(
        (name, bytes) -> {
          if (name.startsWith("images/") || name.startsWith("manifest/") || isMarker(name)) {
            assertThat(after.get(name)).as(name).isEqualTo(bytes);
          }
        });
    assertThat(prompts(more)).hasSize(17).doesNotHaveDuplicates();
    assertThat(datasetJson().at("/counts/ok").asLong()).isEqualTo(17);
    assertThat(datasetJson().at("/counts/asked").asLong()).isEqualTo(17);
    assertThat(datasetJson().at("/counts/rejected").asLong()).isEqualTo(1);
    assertThat(datasetJson().at("/extensions").size()).isEqualTo(1);
    assertThat(after).containsKeys("_SUCCESS", "README.md", "_shards/plan-00001.json");
    if (layout == Layout.FILES) {
      assertThat(Files.readAllLines(folder.resolve("out/metadata.jsonl"))).hasSize(17);
    }
    assertThat(problems()).isEmpty();
    JsonNode report = report();
    assertThat(report.at("/mode").asText()).isEqualTo("extend");
    assertThat(report.at("/counts/asked").asLong()).isEqualTo(17);
    assertThat(report.at("/counts/ok").asLong()).isEqualTo(7);
    assertThat(report.at("/counts/left_alone").asLong()).isEqualTo(10);
  }

  /** Files by hash, whose differences can be read. */
  private static Map<String, String> hashes(Map<String, byte[]> files) {
    Map<String, String> hashes = new TreeMap<>();
    files.forEach((name, bytes) -> hashes.put(name, Sha256.hex(bytes)));
    return hashes;
  }

  private static boolean isMarker(String name) {
    return name.matches("_shards/[0-9]+\\.json");
  }

  /** The report of the last run. */
  private JsonNode report() throws IOException {
    try (Stream<Path> files = Files.walk(folder.resolve("out/runs"))) {
      Path newest =
          files
              .filter(file -> file.endsWith("report.json"))
              .max(Comparator.comparing(file -> file.toFile().lastModified()))
              .orElseThrow();
      return JSON.readTree(newest.toFile());
    }
  }

  @Test
  void extendBeginsADatasetThatIsNotThere() throws Exception {
    Path input = prompts("a", foxes(0, 9));
    job(input, SETTINGS).withMode(DatasetMode.EXTEND).run();
    DatasetJob plain = new DatasetJob(input, folder.resolve("plain"), SETTINGS);
    plain.run();

    assertThat(hashes(job(input, SETTINGS).files())).isEqualTo(hashes(plain.files()));
  }

  @Test
  void extendByNothingChangesNothing() throws Exception {
    DatasetJob job =
        job(prompts("a", Stream.concat(foxes(0, 9), Stream.of("{\"prompt\": 7}"))), SETTINGS);
    job.run();
    Map<String, byte[]> before = job.files();
    Files.writeString(
        folder.resolve("a/prompts.jsonl"), "{\"prompt\": 8}\n", StandardOpenOption.APPEND);

    Map<String, Long> counters = job.withMode(DatasetMode.EXTEND).run();

    assertThat(counters.getOrDefault("images", 0L)).isZero();
    assertThat(hashes(job.files())).isEqualTo(hashes(before));
  }

  @Test
  void extensionsFollowEachOther() throws Exception {
    for (int to : new int[] {5, 11, 12, 20}) {
      job(prompts("p" + to, foxes(0, to)), SETTINGS).withMode(DatasetMode.EXTEND).run();
    }

    assertThat(prompts(job(folder, SETTINGS))).hasSize(20).doesNotHaveDuplicates();
    assertThat(datasetJson().at("/extensions").size()).isEqualTo(3);
    assertThat(problems()).isEmpty();
    Path image = folder.resolve("out/images/00000.tar");
    byte[] whole = Files.readAllBytes(image);
    Files.write(image, new byte[] {1});
    assertThat(found().beyondRepair()).isTrue();
    assertThat(found().remove()).isEmpty();
    assertThat(found().notes()).anyMatch(note -> note.contains("mode=overwrite"));
    Files.write(image, whole);
    Files.delete(folder.resolve("out/_shards/plan-00002.json"));
    assertThat(problems())
        .extracting(Problem::object)
        .contains("_shards/plan-00003.json", "_shards/plan.json");
  }

  @Test
  void extendTakesMoreImagesAPromptAndAnotherSeed() throws Exception {
    Path input = prompts("a", foxes(0, 4));
    job(input, SETTINGS).run();
    job(input, SETTINGS.toBuilder().imagesPerPrompt(3).build()).withMode(DatasetMode.EXTEND).run();
    DatasetJob last = job(input, SETTINGS.toBuilder().seed(9).build());
    last.withMode(DatasetMode.EXTEND).run();

    assertThat(last.rows()).hasSize(4 + 8 + 4);
  }

  @Test
  void extendRefusesOtherSettings() throws Exception {
    Path input = prompts("a", foxes(0, 4));
    job(input, SETTINGS).run();
    DatasetJob other =
        job(
            prompts("b", foxes(0, 6)),
            SETTINGS.toBuilder()
                .sampling(new Sampling(SchedulerKind.PNDM, 21, 7.5f, 16, 8))
                .build());

    assertThatThrownBy(() -> other.withMode(DatasetMode.EXTEND).run())
        .hasMessageContaining("steps is 20 there and 21 now")
        .hasMessageContaining("run with the settings it was begun with");
    assertThat(folder.resolve("out/_SUCCESS")).exists();
  }

  @Test
  void anExtensionThatWasStoppedEndsAsIfItHadNot() throws Exception {
    Path less = prompts("a", foxes(0, 6));
    Path more = prompts("b", foxes(0, 30));
    DatasetJob calm = new DatasetJob(less, folder.resolve("calm"), SETTINGS);
    calm.run();
    calm = new DatasetJob(more, folder.resolve("calm"), SETTINGS).withMode(DatasetMode.EXTEND);
    calm.run();

    job(less, SETTINGS).run();
    DatasetJob stopped = job(more, SETTINGS).withMode(DatasetMode.EXTEND);
    assertThatThrownBy(() -> stopped.on(new BreaksAfter(FakeDevices.withSlots(1), 9)).run())
        .hasMessageContaining("device lost");
    assertThat(folder.resolve("out/_SUCCESS")).doesNotExist();
    assertThatThrownBy(
            () -> job(prompts("c", foxes(0, 31)), SETTINGS).withMode(DatasetMode.EXTEND).run())
        .hasMessageContaining("examples is 24 there and 25 now");
    assertThatThrownBy(() -> job(less, SETTINGS).withMode(DatasetMode.EXTEND).run())
        .hasMessageContaining("is being extended by other prompts");
    assertThatThrownBy(() -> job(more, SETTINGS).run())
        .hasMessageContaining("holds a dataset that was extended; add mode=extend");

    stopped.on(FakeDevices.withSlots(3)).run();

    assertThat(hashes(stopped.files())).isEqualTo(hashes(calm.files()));
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void whatFailedIsPutWhereItBelongs(Layout layout) throws Exception {
    Path input =
        prompts(
            "a",
            Stream.concat(
                foxes(0, 8),
                Stream.of("{\"prompt\": \"poison 1\"}", "{\"prompt\": \"poison 2\"}")));
    GenerationSettings settings = settings(layout);
    DatasetJob calm =
        new DatasetJob(input, folder.resolve("calm"), settings)
            .on(new Cured(FakeDevices.withSlots(3)));
    calm.run();
    DatasetJob job = job(input, settings);
    job.run();
    assertThat(failed(job)).isEqualTo(2);

    FakeDevices devices = FakeDevices.withSlots(3);
    job.withMode(DatasetMode.RETRY_FAILED).on(new Cured(devices)).run();

    assertThat(devices.log().batches.stream().mapToInt(List::size).sum()).isEqualTo(2);
    assertThat(problems()).isEmpty();
    assertThat(hashes(job.files())).isEqualTo(hashes(calm.files()));
    assertThat(report().at("/counts/asked").asLong()).isEqualTo(10);
    assertThat(report().at("/counts/ok").asLong()).isEqualTo(2);
    assertThat(report().at("/counts/failed").asLong()).isZero();
    assertThat(report().at("/counts/left_alone").asLong()).isEqualTo(8);
  }

  /** What a look at the whole dataset finds wrong. */
  private List<Problem> problems() throws Exception {
    return found().problems();
  }

  private Verification found() throws Exception {
    VerificationProgress nobody =
        new VerificationProgress() {
          @Override
          public void plan(long rows) {}

          @Override
          public void advance(long rows) {}
        };
    return DatasetVerification.of(
        ObjectStore.open(folder.resolve("out").toString()), "0.1.0", 2, nobody);
  }

  private static long failed(DatasetJob job) throws IOException {
    return job.rows().stream().filter(row -> row.get("status").toString().equals("failed")).count();
  }

  @Test
  void whatFailsAgainStaysFailed() throws Exception {
    Path input = prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison\"}")));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    Map<String, byte[]> before = job.files();

    job.withMode(DatasetMode.RETRY_FAILED).run();

    assertThat(hashes(job.files())).isEqualTo(hashes(before));
    assertThat(report().at("/counts/failed").asLong()).isEqualTo(1);
  }

  /** What the dataset holds shows that it is not the devices. */
  @Test
  void anEngineThatFailsAgainForOneExampleFailsNoJob() throws Exception {
    Path input =
        prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison, bane\"}")));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    assertThat(failed(job)).isEqualTo(1);

    job.withMode(DatasetMode.RETRY_FAILED).on(new Cured(FakeDevices.withSlots(2))).run();

    assertThat(failed(job)).isEqualTo(1);
    assertThat(job.rows())
        .extracting(row -> String.valueOf(row.get("error_class")))
        .contains("ai.djl.engine.EngineException");
    assertThat(folder.resolve("out/_SUCCESS")).exists();
  }

  /** The job that failed for it is what one tries again. */
  @Test
  void aJobWithTooManyFailuresIsMendedByTryingThemAgain() throws Exception {
    Path input = prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison\"}")));
    GenerationSettings strict = SETTINGS.toBuilder().maxFailureRatio(0).build();
    DatasetJob job = job(input, strict);
    assertThatThrownBy(job::run).hasMessageContaining("mode=retry-failed");

    job.withMode(DatasetMode.RETRY_FAILED).on(new Cured(FakeDevices.withSlots(3))).run();

    assertThat(failed(job)).isZero();
    assertThat(folder.resolve("out/_SUCCESS")).exists();
  }

  @Test
  void failuresOfExtensionsAreTriedAgainToo() throws Exception {
    job(prompts("a", foxes(0, 5)), SETTINGS).run();
    Path more = prompts("b", Stream.concat(foxes(0, 9), Stream.of("{\"prompt\": \"poison\"}")));
    job(more, SETTINGS).withMode(DatasetMode.EXTEND).run();

    DatasetJob job = job(more, SETTINGS).withMode(DatasetMode.RETRY_FAILED);
    job.on(new Cured(FakeDevices.withSlots(2))).run();

    assertThat(failed(job)).isZero();
    assertThat(datasetJson().at("/counts/ok").asLong()).isEqualTo(10);
    assertThat(datasetJson().at("/extensions").size()).isEqualTo(1);
    job(
            prompts(
                "c",
                Stream.concat(
                    foxes(0, 9), Stream.of("{\"prompt\": \"poison\"}", "{\"prompt\": \"owl\"}"))),
            SETTINGS)
        .withMode(DatasetMode.EXTEND)
        .run();
    assertThat(datasetJson().at("/counts/ok").asLong()).isEqualTo(11);
  }

  @Test
  void onlyWhatTheDatasetHasCanBeTriedAgain() throws Exception {
    assertThatThrownBy(
            () -> job(prompts("a", foxes(0, 5)), SETTINGS).withMode(DatasetMode.RETRY_FAILED).run())
        .hasMessageContaining("must hold a dataset")
        .hasMessageContaining("leave out mode=retry-failed");
    job(prompts("b", foxes(0, 5)), SETTINGS).run();

    assertThatThrownBy(
            () -> job(prompts("c", foxes(0, 6)), SETTINGS).withMode(DatasetMode.RETRY_FAILED).run())
        .hasMessageContaining("prompt prompts.jsonl:6")
        .hasMessageContaining("mode=extend");
    assertThat(folder.resolve("out/_SUCCESS")).exists();
  }

  @Test
  void anUnfinishedDatasetIsFinishedBeforeItIsTriedAgain() throws Exception {
    Path input = prompts("a", foxes(0, 12));
    DatasetJob job = job(input, SETTINGS);
    assertThatThrownBy(() -> job.on(new BreaksAfter(FakeDevices.withSlots(1), 7)).run());

    assertThatThrownBy(() -> job.withMode(DatasetMode.RETRY_FAILED).run())
        .hasMessageContaining("of 12 images; run without mode=retry-failed first");
  }

  /** Whatever of a decided retry is done, the next run does the rest. */
  @Test
  void aRetryThatWasStoppedIsFinishedByTheNextRun() throws Exception {
    Path input = prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison\"}")));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    Map<String, byte[]> failedOnce = job.files();
    job.withMode(DatasetMode.RETRY_FAILED).on(new Cured(FakeDevices.withSlots(3))).run();
    Map<String, byte[]> mended = job.files();
    List<String> changed =
        failedOnce.keySet().stream()
            .filter(
                name ->
                    (name.startsWith("images/") || name.startsWith("manifest/"))
                        && !Arrays.equals(failedOnce.get(name), mended.get(name)))
            .toList();
    assertThat(changed).hasSize(4);
    String marker =
        failedOnce.keySet().stream()
            .filter(DatasetModesTest::isMarker)
            .filter(name -> !Arrays.equals(failedOnce.get(name), mended.get(name)))
            .findFirst()
            .orElseThrow();

    for (int moved = 0; moved <= changed.size(); moved++) {
      // As it was when the process died after so many objects had taken their places.
      Map<String, byte[]> files = new TreeMap<>(failedOnce);
      List.of("_SUCCESS", "dataset.json", "README.md").forEach(files::remove);
      files.put(marker.replace("_shards/", "_shards/retry/"), mended.get(marker));
      for (int i = 0; i < changed.size(); i++) {
        files.put("_shards/retry/" + changed.get(i), mended.get(changed.get(i)));
        if (i < moved) {
          files.put(changed.get(i), mended.get(changed.get(i)));
        }
      }
      Path again = folder.resolve("again" + moved);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Path target = again.resolve(file.getKey());
        Files.createDirectories(target.getParent());
        Files.write(target, file.getValue());
      }
      Files.createDirectories(again.resolve("_shards/retry/manifest"));
      Files.writeString(again.resolve("_shards/retry/manifest/00077.avro"), "never decided");
      DatasetJob rest = new DatasetJob(input, again, SETTINGS);

      // Nothing is left to be drawn, so that a run which draws it fails.
      rest.withMode(moved % 2 == 0 ? DatasetMode.INCREMENTAL : DatasetMode.RETRY_FAILED)
          .on(new BreaksAfter(FakeDevices.withSlots(3), 0))
          .run();

      assertThat(hashes(rest.files())).as("moved " + moved).isEqualTo(hashes(mended));
    }
  }

  @Test
  void overwriteErasesWhatWasThere() throws Exception {
    job(prompts("a", foxes(0, 30)), settings(Layout.FILES)).run();
    Files.writeString(folder.resolve("out/images/notes.txt"), "mine");
    Path input = prompts("b", foxes(3, 8));
    DatasetJob plain = new DatasetJob(input, folder.resolve("plain"), SETTINGS);
    plain.run();

    DatasetJob job = job(input, SETTINGS).withMode(DatasetMode.OVERWRITE);
    job.run();

    Map<String, byte[]> files = job.files();
    assertThat(files.remove("images/notes.txt")).isNotNull();
    assertThat(hashes(files)).isEqualTo(hashes(plain.files()));
  }

  @Test
  void overwriteThatWasStoppedGoesOn() throws Exception {
    Path input = prompts("a", foxes(0, 24));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    Map<String, byte[]> before = job.files();
    assertThatThrownBy(
        () ->
            job.withMode(DatasetMode.OVERWRITE)
                .on(new BreaksAfter(FakeDevices.withSlots(1), 13))
                .run());
    long markers = job.files().keySet().stream().filter(DatasetModesTest::isMarker).count();
    assertThat(markers).isPositive();

    Map<String, Long> counters = job.on(FakeDevices.withSlots(3)).run();

    assertThat(counters.get("alreadyPresent")).isPositive();
    assertThat(hashes(job.files())).isEqualTo(hashes(before));
  }

  /** As a runner does that starts a job again whose end it has missed. */
  @Test
  void overwriteErasesNothingThatTheSameRunHasMade() throws Exception {
    Path input = prompts("a", foxes(0, 8));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    RunIdentity run = new RunIdentity("again", RunProcess.NONE);
    job.withMode(DatasetMode.OVERWRITE).as(run).run();
    Map<String, byte[]> made = job.files();
    FakeDevices devices = FakeDevices.withSlots(3);

    job.on(devices).run();

    assertThat(devices.log().batches).isEmpty();
    assertThat(hashes(job.files())).isEqualTo(hashes(made));
    // Another run does make it anew.
    job.as(new RunIdentity("another", RunProcess.NONE)).run();
    assertThat(devices.log().batches).isNotEmpty();
    assertThat(hashes(job.files())).isEqualTo(hashes(made));
  }

  /** A dataset that was begun and is not finished is not what overwriting has begun. */
  @Test
  void overwriteErasesAnUnfinishedDatasetOfTheSamePlan() throws Exception {
    Path input = prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison\"}")));
    GenerationSettings strict = SETTINGS.toBuilder().maxFailureRatio(0).build();
    DatasetJob job = job(input, strict);
    assertThatThrownBy(job::run).hasMessageContaining("mode=retry-failed");

    job.withMode(DatasetMode.OVERWRITE).on(new Cured(FakeDevices.withSlots(3))).run();

    assertThat(failed(job)).isZero();
    assertThat(folder.resolve("out/_SUCCESS")).exists();
    assertThat(folder.resolve("out/_shards/overwrite.json")).doesNotExist();
  }

  /** A runner gives a shard again when another one of its bundle has failed. */
  @Test
  void aShardThatWasTriedAgainMayComeAgain() throws Exception {
    Path input = prompts("a", Stream.concat(foxes(0, 8), Stream.of("{\"prompt\": \"poison\"}")));
    DatasetJob job = job(input, SETTINGS);
    job.run();
    Map<String, byte[]> failedOnce = job.files();
    int number = (Integer) failedRow(job).get("shard");
    List<Example> examples = examples(input);
    ShardKey key = new ShardKey(number, examples.get(0).shape());
    SharedGenerator shared =
        SharedGenerator.acquire("again", new Cured(FakeDevices.withSlots(2)), Timepiece.system());
    try {
      ObjectStore store = ObjectStore.open(folder.resolve("out").toString());
      // What an attempt left that was stopped before it was decided, and drew otherwise.
      store.create("_shards/retry/" + archive(number), new byte[] {1, 2, 3});

      ShardReport first = retry(shared, store, key, examples);
      ShardReport second = retry(shared, store, key, examples);

      assertThat(first.made().ok()).isEqualTo(1);
      assertThat(first.facts().failed()).isZero();
      assertThat(second.facts()).isEqualTo(first.facts());
      assertThat(second.made().attempted()).isZero();
      assertThat(store.list("_shards/retry/")).isEmpty();

      // Decided, and some of it in place.
      Path out = folder.resolve("out");
      byte[] mended = Files.readAllBytes(out.resolve(archive(number)));
      String marker = String.format(Locale.ROOT, "_shards/%05d.json", number);
      store.create("_shards/retry/" + marker.substring(8), Files.readAllBytes(out.resolve(marker)));
      store.create("_shards/retry/" + archive(number), mended);
      Files.write(out.resolve(archive(number)), failedOnce.get(archive(number)));
      Files.write(out.resolve(marker), failedOnce.get(marker));

      assertThat(retry(shared, store, key, examples).facts()).isEqualTo(first.facts());
      assertThat(Files.readAllBytes(out.resolve(archive(number)))).isEqualTo(mended);

      // Decided, and overtaken.
      store.create("_shards/retry/" + marker.substring(8), Files.readAllBytes(out.resolve(marker)));
      Files.write(out.resolve(archive(number)), failedOnce.get(archive(number)));
      assertThatThrownBy(() -> retry(shared, store, key, examples))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(archive(number) + " in " + out + " must be, or be about to become")
          .hasMessageContaining("remove _shards/retry/");
    } finally {
      shared.release();
    }
  }

  private static String archive(int shard) {
    return String.format(Locale.ROOT, "images/%05d.tar", shard);
  }

  private static GenericRecord failedRow(DatasetJob job) throws IOException {
    return job.rows().stream()
        .filter(row -> row.get("status").toString().equals("failed"))
        .findFirst()
        .orElseThrow();
  }

  /** The examples of the poisonous prompts. */
  private static List<Example> examples(Path input) throws IOException {
    List<Example> examples = new ArrayList<>();
    ExamplePlanner planner = new ExamplePlanner(SETTINGS);
    int line = 0;
    for (String record : Files.readAllLines(input)) {
      line++;
      if (record.contains("poison")) {
        PromptSource source = new PromptSource(input.toString(), line);
        planner.plan(
            new Prompt(source, Prompt.defaultId(source), "poison", Overrides.NONE, Map.of()),
            examples::add);
      }
    }
    return examples;
  }

  private ShardReport retry(
      SharedGenerator shared, ObjectStore store, ShardKey key, List<Example> examples)
      throws Exception {
    ShardGeneration generation =
        new ShardGeneration(shared, SETTINGS, store, LocalProgress.of(folder.toString()), () -> {});
    return new ShardRetry(generation, SETTINGS, store).retry(key, examples);
  }

  @Test
  void overwriteLeavesAloneWhatIsNoDataset() throws Exception {
    Files.createDirectories(folder.resolve("out"));
    Files.writeString(folder.resolve("out/README.md"), "mine");

    assertThatThrownBy(
            () -> job(prompts("a", foxes(0, 3)), SETTINGS).withMode(DatasetMode.OVERWRITE).run())
        .hasMessageContaining("must be new or hold an unfinished dataset, but has a README.md");
    assertThat(folder.resolve("out/README.md")).hasContent("mine");
  }

  /** Devices that draw what made them fail. */
  record Cured(FakeDevices devices) implements GeneratorFactory {
    @Override
    public ImageGenerator create() {
      ImageGenerator sick = devices.create();
      return new GeneratorAround(sick) {
        @Override
        public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
            throws InterruptedException {
          return sick.generate(requests.stream().map(Cured::cure).toList(), slots);
        }
      };
    }

    private static ImageRequest cure(ImageRequest request) {
      return new ImageRequest(
          request.prompt().replace("poison", "potion"),
          request.negativePrompt(),
          request.noiseKey(),
          request.widthPixels(),
          request.heightPixels(),
          request.scheduler(),
          request.steps(),
          request.guidanceScale());
    }
  }
}
