package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sampling;
import io.shardlight.data.SeedPolicy;
import io.shardlight.data.Sha256;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.gallery.DatasetGallery;
import io.shardlight.gallery.GallerySummary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DatasetJobTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Three images a prompt and shards of five on average. */
  private static final GenerationSettings SETTINGS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 24))
          .imagesPerPrompt(3)
          .shardSize(5)
          .layout(Layout.FILES)
          .build();

  /** Seven prompts in three shapes, one rejected record. */
  private static final String PROMPTS =
      """
      {"prompt": "a red fox", "topic": "animals"}
      {"prompt": "a blue whale"}
      {"prompt": "ein grüner Käfer, 猫", "seed": 4294967295, "id": "beetle"}
      {"prompt": "a small owl", "width": 32, "height": 8, "images": 1}
      {"prompt": "an unguided hen", "guidance_scale": 1, "images": 2}
      {"prompt": ""}
      {"prompt": "a slow snail", "steps": 21, "negative_prompt": "blurry"}
      {"prompt": "a red fox again"}
      """;

  private final Path folder;
  private final Path input;

  DatasetJobTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.input = folder.resolve("prompts.jsonl");
    Files.writeString(input, PROMPTS);
  }

  private DatasetJob job(String output) {
    return job(output, SETTINGS);
  }

  private DatasetJob job(String output, GenerationSettings settings) {
    return new DatasetJob(input, folder.resolve(output), settings);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "3, 4", "8, 1", "24, 4"})
  void everyByteIsTheSameForAnyNumberOfDevicesAndThreads(int slots, int targetParallelism)
      throws Exception {
    DatasetJob reference = job("reference");
    reference.run();

    DatasetJob job =
        job("dataset").on(FakeDevices.withSlots(slots)).withTargetParallelism(targetParallelism);
    job.run();

    assertThat(job.files()).containsExactlyEntriesOf(reference.files());
    assertThat(job.files())
        .containsKeys(
            "_SUCCESS", "dataset.json", "README.md", "gallery/index.html", "contact-sheet.png");
    assertThat(job.rows()).hasSize(18);
  }

  @Test
  void rowsTellHowToDrawEachImageAgain() throws Exception {
    DatasetJob job = job("dataset");
    job.run();

    GenericRecord row =
        job.rows().stream()
            .filter(r -> r.get("prompt_id").toString().equals("beetle"))
            .filter(r -> r.get("image_index").equals(1))
            .findFirst()
            .orElseThrow();
    assertThat(row.get("seed")).isEqualTo(0L);
    assertThat(row.get("prompt")).hasToString("ein grüner Käfer, 猫");
    assertThat(row.get("source_file")).hasToString("prompts.jsonl");
    assertThat(row.get("source_line")).isEqualTo(3L);
    assertThat(row.get("scheduler")).hasToString("pndm");
    assertThat(row.get("width")).isEqualTo(16);
    assertThat(row.get("height")).isEqualTo(24);
    assertThat(row.get("status")).hasToString("ok");
    assertThat(row.get("prompt_truncated")).isEqualTo(false);
    byte[] image = Files.readAllBytes(folder.resolve("dataset/" + row.get("file_name")));
    assertThat(row.get("sha256")).hasToString(Sha256.hex(image));
    assertThat(row.get("bytes")).isEqualTo((long) image.length);
    assertThat(row.get("file_name")).asString().startsWith("images/").endsWith(".png");
    assertThat(job.rows()).extracting(r -> r.get("example_id").toString()).doesNotHaveDuplicates();
  }

  @Test
  void weightsAreLoadedOncePerJvmAndFreedAtTheEnd() {
    FakeDevices devices = FakeDevices.withSlots(2);

    Map<String, Long> counters = job("dataset").on(devices).withTargetParallelism(4).run();

    assertThat(devices.log().loads).hasValue(1);
    assertThat(devices.log().open).hasValue(0);
    assertThat(counters).containsEntry("generatorLoads", 1L);
  }

  @Test
  void countersAndReportAddUp() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(4);

    Map<String, Long> counters = job("dataset").on(devices).run();

    long slots = 4L * devices.log().batches.size();
    assertThat(counters)
        .containsEntry("images", 18L)
        .containsEntry("failed", 0L)
        .containsEntry("duplicates", 0L)
        .containsEntry("batches", (long) devices.log().batches.size())
        .containsEntry("paddedSlots", slots - 18);
    JsonNode report = report("dataset");
    assertThat(report.at("/counts/generated").asLong()).isEqualTo(18);
    assertThat(report.at("/counts/rejected").asLong()).isEqualTo(1);
    assertThat(report.at("/padded_slots").asLong()).isEqualTo(slots - 18);
    assertThat(report.at("/succeeded").asBoolean()).isTrue();
    JsonNode dataset = JSON.readTree(folder.resolve("dataset/dataset.json").toFile());
    assertThat(dataset.at("/counts/ok").asLong()).isEqualTo(18);
    assertThat(dataset.at("/image_bytes").asLong()).isEqualTo(counters.get("imageBytes"));
    assertThat(LocalProgress.of(folder.resolve("dataset").toString()).done()).isEqualTo(18);
    assertThat(LocalProgress.of(folder.resolve("dataset").toString()).planned()).isEqualTo(18);
  }

  @Test
  void rejectedRecordsAreListedAndTheRestIsDone() throws Exception {
    DatasetJob job = job("dataset");
    job.run();

    assertThat(folder.resolve("dataset/rejected/prompts.jsonl-00000.jsonl"))
        .content()
        .isEqualTo("{\"file\":\"prompts.jsonl\",\"line\":6,\"reason\":\"prompt is empty\"}\n");
  }

  @Test
  void theSameFilesInAnotherDirectoryResume() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();
    Path moved = Files.createDirectories(folder.resolve("moved")).resolve("prompts.jsonl");
    Files.move(input, moved);

    DatasetJob again = new DatasetJob(moved, folder.resolve("dataset"), SETTINGS);

    assertThat(again.run()).containsEntry("alreadyPresent", 18L);
    assertThat(again.files()).containsExactlyEntriesOf(before);
  }

  @Test
  void theCardTellsWhatASeedIs() throws Exception {
    job("perImage").run();
    job("jaxSplit", SETTINGS.toBuilder().seedPolicy(SeedPolicy.JAX_SPLIT).build()).run();

    assertThat(folder.resolve("perImage/README.md"))
        .content()
        .contains("Each image has its own seed.");
    assertThat(folder.resolve("jaxSplit/README.md"))
        .content()
        .contains("`split(PRNGKey(seed), images)[image_index]`")
        .doesNotContain("own seed");
  }

  @Test
  void sidecarGivesEveryImageItsText() throws Exception {
    DatasetJob job = job("dataset");
    job.run();

    List<String> lines = Files.readAllLines(folder.resolve("dataset/metadata.jsonl"));
    assertThat(lines).hasSize(18);
    for (String line : lines) {
      JsonNode row = JSON.readTree(line);
      assertThat(folder.resolve("dataset").resolve(row.get("file_name").textValue())).exists();
      assertThat(row.get("text").textValue()).isNotBlank();
      assertThat(row.path("topic").asText("animals")).isEqualTo("animals");
    }
    assertThat(lines).filteredOn(line -> line.contains("\"topic\":\"animals\"")).hasSize(3);
  }

  @Test
  void theSameImageAskedForTwiceIsMadeOnceAndCounted() throws Exception {
    Files.writeString(
        input,
        """
        {"prompt": "a fox", "seed": 7, "images": 2}
        {"prompt": "a fox", "seed": 7, "images": 1}
        {"prompt": "a fox", "seed": 7, "images": 2}
        """);
    DatasetJob job = job("dataset");

    Map<String, Long> counters = job.run();

    assertThat(counters).containsEntry("images", 2L).containsEntry("duplicates", 3L);
    assertThat(job.rows()).extracting(r -> r.get("source_line")).containsExactly(1L, 1L);
  }

  @Test
  void aPoisonousPromptCostsItsOwnRowsOnly() throws Exception {
    DatasetJob clean = job("clean");
    clean.run();
    Files.writeString(input, "{\"prompt\": \"poison\", \"images\": 1}\n", StandardCharsets.UTF_8);
    Files.writeString(input, PROMPTS + Files.readString(input));
    DatasetJob job =
        job("dataset", SETTINGS.toBuilder().maxFailureRatio(0.06).build())
            .on(FakeDevices.withSlots(8));

    Map<String, Long> counters = job.run();

    assertThat(counters).containsEntry("images", 18L).containsEntry("failed", 1L);
    assertThat(job.rows())
        .filteredOn(r -> r.get("status").toString().equals("failed"))
        .singleElement()
        .satisfies(
            r -> {
              assertThat(r.get("error_class")).hasToString("java.lang.IllegalArgumentException");
              assertThat(r.get("prompt")).hasToString("poison");
              assertThat(r.get("file_name")).isNull();
              assertThat(r.get("sha256")).isNull();
            });
    assertThat(images(job)).containsExactlyEntriesOf(images(clean));
    assertThat(Files.readAllLines(folder.resolve("dataset/metadata.jsonl"))).hasSize(18);
  }

  @Test
  void tooManyFailuresFailTheJobWithoutSuccess() throws Exception {
    Files.writeString(input, PROMPTS + "{\"prompt\": \"poison\", \"images\": 1}\n");
    GenerationSettings strict = SETTINGS.toBuilder().maxFailureRatio(0.05).build();
    DatasetJob job = job("dataset", strict);

    assertThatThrownBy(job::run)
        .hasMessageContaining("at most 0.05 of the images may fail")
        .hasMessageContaining("1 of 19 did");
    assertThat(job.files()).doesNotContainKeys("_SUCCESS", "dataset.json");
    assertThat(report("dataset").at("/succeeded").asBoolean()).isFalse();

    // Accepting them needs no new dataset.
    job("dataset", strict.toBuilder().maxFailureRatio(0.06).build()).run();
    assertThat(job.files()).containsKey("_SUCCESS");
  }

  @Test
  void aRunThatWasBrokenOffIsResumedToTheSameBytes() throws Exception {
    DatasetJob clean = job("clean");
    clean.run();
    FakeDevices lost = FakeDevices.withSlots(2);
    // One shard after the other, so that the first is committed when the devices are lost.
    DatasetJob broken = job("dataset").on(new BreaksAfter(lost, 4)).withTargetParallelism(1);
    assertThatThrownBy(broken::run).hasStackTraceContaining("device lost");
    waitUntilClosed(lost);
    assertThat(broken.files()).doesNotContainKey("_SUCCESS");
    assertThat(broken.rows()).extracting(r -> r.get("status").toString()).containsOnly("ok");
    // A writer that was killed leaves its temporary file.
    Files.createDirectories(folder.resolve("dataset/.tmp"));
    Path half = Files.writeString(folder.resolve("dataset/.tmp/left-behind"), "half");
    Files.setLastModifiedTime(half, FileTime.from(Instant.now().minus(Duration.ofHours(25))));
    long committed =
        broken.files().keySet().stream().filter(name -> name.matches("_shards/\\d+.json")).count();

    FakeDevices devices = FakeDevices.withSlots(5);
    DatasetJob resumed = job("dataset").on(devices);
    Map<String, Long> counters = resumed.run();

    assertThat(resumed.files()).containsExactlyEntriesOf(clean.files());
    assertThat(committed).isPositive();
    assertThat(counters.get("alreadyPresent")).isPositive();
    long images = counters.getOrDefault("images", 0L);
    assertThat(counters).containsEntry("alreadyPresent", 18 - images);
  }

  @Test
  void theGalleryOfAnUnfinishedDatasetGivesWayToThatOfTheFinishedOne() throws Exception {
    DatasetJob clean = job("clean");
    clean.run();
    FakeDevices lost = FakeDevices.withSlots(2);
    DatasetJob broken = job("dataset").on(new BreaksAfter(lost, 4)).withTargetParallelism(1);
    assertThatThrownBy(broken::run).hasStackTraceContaining("device lost");
    waitUntilClosed(lost);
    ObjectStore store = ObjectStore.open(folder.resolve("dataset").toString());

    GallerySummary half = DatasetGallery.of(store, false).draw();

    assertThat(half.images()).isBetween(1L, 17L);
    assertThat(folder.resolve("dataset/gallery/index.html"))
        .content()
        .contains("The dataset is not finished: " + half.rows() + " of 18 rows so far.");
    job("dataset").run();
    assertThat(job("dataset").files()).containsExactlyEntriesOf(clean.files());

    // Whoever draws it, and how often.
    assertThat(DatasetGallery.of(store, true).draw().images()).isEqualTo(18);
    assertThat(job("dataset").files()).containsExactlyEntriesOf(clean.files());
  }

  @Test
  void aLargerDatasetGetsNoGalleryByItself() throws Exception {
    Files.writeString(
        input, "{\"prompt\": \"a fox\", \"images\": 2000, \"width\": 8, \"height\": 8}\n");
    GenerationSettings settings = SETTINGS.toBuilder().shardSize(1000).build();
    DatasetJob most = job("most", settings).on(FakeDevices.withSlots(64));
    most.run();
    Files.writeString(input, Files.readString(input) + "{\"prompt\": \"an owl\", \"images\": 1}\n");
    DatasetJob more = job("more", settings).on(FakeDevices.withSlots(64));

    more.run();

    assertThat(most.files()).containsKeys("gallery/index.html", "contact-sheet.png");
    assertThat(folder.resolve("most/README.md")).content().contains("](contact-sheet.png)");
    assertThat(folder.resolve("more/README.md")).content().doesNotContain("contact-sheet");
    assertThat(more.files())
        .containsKey("_SUCCESS")
        .doesNotContainKeys("gallery/index.html", "contact-sheet.png");
  }

  @Test
  void aFinishedDatasetIsNotGeneratedAgain() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();
    FakeDevices devices = FakeDevices.withSlots(8);

    Map<String, Long> counters = job.on(devices).run();

    assertThat(devices.log().batches).isEmpty();
    assertThat(counters).containsEntry("alreadyPresent", 18L);
    assertThat(job.files()).containsExactlyEntriesOf(before);
    try (Stream<Path> runs = Files.list(folder.resolve("dataset/runs"))) {
      assertThat(runs).filteredOn(run -> !run.endsWith("leases")).hasSize(2);
    }
  }

  @Test
  void otherSettingsAreRefusedByNameBeforeAnythingIsGenerated() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();
    FakeDevices devices = FakeDevices.withSlots(8);
    DatasetJob other =
        job(
                "dataset",
                SETTINGS.toBuilder()
                    .sampling(new Sampling(SchedulerKind.DDIM, 20, 7.5f, 16, 24))
                    .build())
            .on(devices);

    assertThatThrownBy(other::run)
        .hasMessageContaining("holds another dataset")
        .hasMessageContaining("scheduler is \"pndm\" there and \"ddim\" now");
    assertThat(devices.log().batches).isEmpty();
    assertThat(job.files()).containsExactlyEntriesOf(before);
  }

  @Test
  void otherPromptsAreRefusedBeforeAnythingIsGenerated() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();
    Files.writeString(input, PROMPTS + "{\"prompt\": \"one more\"}\n{\"prompt\": 3}\n");
    FakeDevices devices = FakeDevices.withSlots(8);

    assertThatThrownBy(() -> job.on(devices).run())
        .hasMessageContaining("examples is 18 there and 21 now");
    assertThat(devices.log().batches).isEmpty();
    assertThat(job.files()).containsExactlyEntriesOf(before);
  }

  @Test
  void anOutputThatIsSomethingElseIsRefusedBeforeAnythingIsGenerated() throws Exception {
    Files.createDirectories(folder.resolve("project"));
    Files.writeString(folder.resolve("project/README.md"), "# My project");
    FakeDevices devices = FakeDevices.withSlots(8);
    DatasetJob job = job("project").on(devices);

    assertThatThrownBy(job::run)
        .hasMessageContaining("must be new or hold an unfinished dataset, but has a README.md");
    assertThat(devices.log().batches).isEmpty();
    assertThat(job.files()).containsOnlyKeys("README.md");
  }

  @Test
  void aJobWithoutAUsablePromptFailsAndLeavesNoDataset() throws Exception {
    Files.writeString(input, "{\"prompt\": \"\"}\nnot json\n");
    DatasetJob job = job("dataset");

    assertThatThrownBy(job::run)
        .hasMessageContaining("input must hold at least one usable prompt")
        .hasMessageContaining("2 records that were rejected");
    assertThat(job.files()).isEmpty();

    Files.writeString(input, PROMPTS);
    job.run();
    assertThat(job.files()).containsKey("_SUCCESS");
  }

  @Test
  void aShardOfFailuresOnlyIsNeverCommitted() throws Exception {
    Files.writeString(input, "{\"prompt\": \"poison\"}\n");
    DatasetJob job = job("dataset");

    assertThatThrownBy(job::run).hasStackTraceContaining("must have at least one image");
    assertThat(job.files()).containsOnlyKeys("_shards/plan.json");
  }

  @Test
  void anImageThatWasTamperedWithIsNeitherAdoptedNorReplaced() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    String name = images(job).keySet().iterator().next();
    Path image = folder.resolve("dataset").resolve(name);
    Files.writeString(image, "tampered");
    try (Stream<Path> markers = Files.list(folder.resolve("dataset/_shards"))) {
      for (Path marker : markers.filter(m -> !m.endsWith("plan.json")).toList()) {
        Files.delete(marker);
      }
    }

    assertThatThrownBy(job::run).hasStackTraceContaining("wanted to create " + name);
    assertThat(image).hasContent("tampered");
  }

  /** The direct runner tears functions down after it has told of a failure. */
  private static void waitUntilClosed(FakeDevices devices) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (devices.log().open.get() > 0) {
      assertThat(System.nanoTime()).as("time to close the devices").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  private static Map<String, byte[]> images(DatasetJob job) throws IOException {
    Map<String, byte[]> files = job.files();
    files.keySet().removeIf(name -> !name.startsWith("images/"));
    return files;
  }

  private JsonNode report(String output) throws IOException {
    try (Stream<Path> runs = Files.list(folder.resolve(output).resolve("runs"))) {
      return JSON.readTree(
          runs.filter(run -> !run.endsWith("leases"))
              .findFirst()
              .orElseThrow()
              .resolve("report.json")
              .toFile());
    }
  }
}
