package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sampling;
import io.shardlight.data.Sha256;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.gallery.DatasetGallery;
import io.shardlight.gallery.GallerySummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.avro.generic.GenericRecord;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole job with one tar file a shard, and with every format of images and manifests. */
class WebDatasetJobTest {
  private static final GenerationSettings SETTINGS =
      TestSettings.builder()
          .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 24))
          .imagesPerPrompt(3)
          .shardSize(5)
          .manifestFormats(List.of(ManifestFormat.values()))
          .build();

  private static final String PROMPTS =
      """
      {"prompt": "a red fox", "topic": "animals"}
      {"prompt": "ein grüner Käfer, 猫", "seed": 4294967295, "id": "beetle"}
      {"prompt": "a small owl", "width": 32, "height": 8, "images": 1}
      {"prompt": "a slow snail", "steps": 21, "negative_prompt": "blurry"}
      {"prompt": "a red fox again"}
      """;

  private static final int IMAGES = 13;

  private final Path folder;
  private final Path input;

  WebDatasetJobTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.input = folder.resolve("prompts.jsonl");
    Files.writeString(input, PROMPTS);
  }

  private DatasetJob job(String output, GenerationSettings settings) {
    return new DatasetJob(input, folder.resolve(output), settings);
  }

  private DatasetJob job(String output) {
    return job(output, SETTINGS);
  }

  private ObjectStore store(String output) {
    return ObjectStore.open(folder.resolve(output).toString());
  }

  /** All members of all archives, by archive and name. */
  private Map<String, byte[]> members(String output) throws IOException {
    Map<String, byte[]> members = new TreeMap<>();
    for (String name : store(output).list("images/")) {
      try (TarFile tar = new TarFile(folder.resolve(output).resolve(name))) {
        for (TarArchiveEntry entry : tar.getEntries()) {
          members.put(name + "/" + entry.getName(), tar.getInputStream(entry).readAllBytes());
        }
      }
    }
    return members;
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "8, 4"})
  void everyByteIsTheSameForAnyNumberOfDevicesAndThreads(int slots, int targetParallelism)
      throws Exception {
    DatasetJob reference = job("reference");
    reference.run();

    DatasetJob job =
        job("dataset").on(FakeDevices.withSlots(slots)).withTargetParallelism(targetParallelism);
    job.run();

    assertThat(job.files()).containsExactlyEntriesOf(reference.files());
    assertThat(job.files())
        .containsKeys("_SUCCESS", "dataset.json", "README.md", "gallery/index.html");
    assertThat(job.files()).doesNotContainKey("metadata.jsonl");
  }

  @ParameterizedTest
  @EnumSource
  void rowsNameTheMembersThatHoldTheirImages(ImageFormat format) throws Exception {
    DatasetJob job = job("dataset", SETTINGS.toBuilder().imageFormat(format).build());

    job.run();

    Map<String, byte[]> members = members("dataset");
    assertThat(members).hasSize(3 * IMAGES);
    assertThat(job.rows()).hasSize(IMAGES);
    for (GenericRecord row : job.rows()) {
      String name = row.get("file_name").toString();
      assertThat(name)
          .isEqualTo(
              String.format(
                  "images/%05d.tar/%s.%s",
                  (Integer) row.get("shard"), row.get("key"), format.extension()));
      byte[] image = Objects.requireNonNull(members.get(name));
      assertThat(row.get("sha256")).hasToString(Sha256.hex(image));
      assertThat(row.get("bytes")).isEqualTo((long) image.length);
      JsonNode json =
          new ObjectMapper()
              .readTree(members.get(name.substring(0, name.lastIndexOf('.')) + ".json"));
      assertThat(json.get("caption").textValue()).isEqualTo(row.get("prompt").toString());
      assertThat(json.get("sha256").textValue()).isEqualTo(row.get("sha256").toString());
    }
    // The gallery finds every one of them in there, whatever its format.
    GallerySummary gallery = DatasetGallery.of(store("dataset"), true).draw();
    assertThat(gallery.images()).isEqualTo(IMAGES);
    assertThat(gallery.missing()).isZero();
    assertThat(folder.resolve("dataset/gallery/index.html"))
        .content()
        .contains("Steps: 20, Sampler: PLMS");
  }

  @Test
  void markersHoldTheHashesOfAllThatBelongsToAShard() throws Exception {
    job("dataset").run();

    List<ShardFacts> shards = CommittedShards.list(store("dataset"));
    assertThat(shards).hasSizeGreaterThan(2);
    for (ShardFacts shard : shards) {
      List<StoredObject> objects = new ArrayList<>(shard.manifests());
      objects.add(shard.archive().orElseThrow());
      assertThat(objects)
          .extracting(StoredObject::name)
          .containsExactly(
              String.format("manifest/%05d.avro", shard.shard()),
              String.format("manifest/%05d.parquet", shard.shard()),
              String.format("manifest/%05d.jsonl", shard.shard()),
              String.format("images/%05d.tar", shard.shard()));
      for (StoredObject object : objects) {
        byte[] bytes = Files.readAllBytes(folder.resolve("dataset").resolve(object.name()));
        assertThat(StoredObject.of(object.name(), bytes)).isEqualTo(object);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anyFormatOfTheManifestAloneWillDo(ManifestFormat format) throws Exception {
    GenerationSettings files =
        SETTINGS.toBuilder().manifestFormats(List.of(format)).layout(Layout.FILES).build();
    DatasetJob job = job("dataset", files);

    job.run();

    assertThat(job.rows()).hasSize(IMAGES);
    assertThat(Files.readAllLines(folder.resolve("dataset/metadata.jsonl"))).hasSize(IMAGES);
    assertThat(DatasetGallery.of(store("dataset"), true).draw().images()).isEqualTo(IMAGES);
    FakeDevices devices = FakeDevices.withSlots(4);
    assertThat(job.on(devices).run()).containsEntry("alreadyPresent", (long) IMAGES);
    assertThat(devices.log().batches).isEmpty();
  }

  @Test
  void aFailedExampleHasARowAndNoMembers() throws Exception {
    Files.writeString(input, PROMPTS + "{\"prompt\": \"poison\", \"images\": 1}\n");
    DatasetJob job = job("dataset", SETTINGS.toBuilder().maxFailureRatio(0.1).build());

    job.run();

    assertThat(job.rows()).hasSize(IMAGES + 1);
    assertThat(members("dataset")).hasSize(3 * IMAGES);
    assertThat(job.rows())
        .filteredOn(row -> row.get("status").toString().equals("failed"))
        .singleElement()
        .satisfies(
            row ->
                assertThat(members("dataset").keySet())
                    .noneMatch(name -> name.contains(row.get("key").toString())));
  }

  @Test
  void aShardWithoutOneImageLeavesNoGapInTheNumbers() throws Exception {
    Files.writeString(input, "{\"prompt\": \"poison 1\"}\n{\"prompt\": \"poison 2\"}\n");
    DatasetJob job = job("dataset", SETTINGS.toBuilder().maxFailureRatio(1).build());

    job.run();

    assertThat(store("dataset").list("images/"))
        .hasSize(CommittedShards.list(store("dataset")).size())
        .first()
        .isEqualTo("images/00000.tar");
    assertThat(members("dataset")).isEmpty();
    assertThat(job.rows()).hasSize(6);
  }

  @Test
  void aRunThatWasBrokenOffIsResumedToTheSameBytes() throws Exception {
    DatasetJob clean = job("clean");
    clean.run();
    FakeDevices lost = FakeDevices.withSlots(2);
    DatasetJob broken = job("dataset").on(new BreaksAfter(lost, 4)).withTargetParallelism(1);
    assertThatThrownBy(broken::run).hasStackTraceContaining("device lost");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (lost.log().open.get() > 0 && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    // Whatever can be seen is whole.
    broken
        .files()
        .forEach(
            (name, bytes) -> {
              if (name.startsWith("images/")) {
                assertThat(bytes).as(name).isEqualTo(read("clean", name));
              }
            });

    Map<String, Long> counters = job("dataset").run();

    assertThat(job("dataset").files()).containsExactlyEntriesOf(clean.files());
    assertThat(counters.get("alreadyPresent")).isPositive();
  }

  private byte[] read(String output, String name) {
    try {
      return Files.readAllBytes(folder.resolve(output).resolve(name));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void aShardWhoseMarkerIsLostIsMadeAgainAndAdopted() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();
    Files.delete(folder.resolve("dataset/" + DatasetPaths.marker(1)));

    assertThat(job.run()).containsKey("images");
    assertThat(job.files()).containsExactlyEntriesOf(before);
  }

  @Test
  void anArchiveThatWasTamperedWithIsNeitherAdoptedNorReplacedNorShown() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Path archive = folder.resolve("dataset/images/00001.tar");
    byte[] whole = Files.readAllBytes(archive);
    byte[] half = Arrays.copyOf(whole, whole.length / 2);
    Files.write(archive, half);

    GallerySummary gallery = DatasetGallery.of(store("dataset"), true).draw();
    assertThat(gallery.missing()).isPositive();
    assertThat(gallery.images() + gallery.missing()).isEqualTo(IMAGES);
    Files.delete(folder.resolve("dataset/" + DatasetPaths.marker(1)));
    assertThatThrownBy(job::run).hasStackTraceContaining("wanted to create images/00001.tar");
    assertThat(archive).hasBinaryContent(half);
  }

  @Test
  void otherFormsAreRefusedByName() throws Exception {
    DatasetJob job = job("dataset");
    job.run();
    Map<String, byte[]> before = job.files();

    assertRefused(
        SETTINGS.toBuilder().layout(Layout.FILES).build(),
        "layout is \"webdataset\" there and \"files\" now");
    assertRefused(
        SETTINGS.toBuilder().imageFormat(ImageFormat.JPEG).build(),
        "image_format is \"png\" there and \"jpeg\" now");
    assertRefused(
        SETTINGS.toBuilder().manifestFormats(List.of(ManifestFormat.JSONL)).build(),
        "manifest_formats is [\"avro\",\"parquet\",\"jsonl\"] there and [\"jsonl\"] now");
    assertThat(job.files()).containsExactlyEntriesOf(before);

    GenerationSettings jpeg = SETTINGS.toBuilder().imageFormat(ImageFormat.JPEG).build();
    job("jpeg", jpeg).run();
    assertThatThrownBy(() -> job("jpeg", jpeg.toBuilder().imageQuality(50).build()).run())
        .hasMessageContaining("image_quality is 95 there and 50 now");
  }

  private void assertRefused(GenerationSettings settings, String difference) {
    FakeDevices devices = FakeDevices.withSlots(8);
    assertThatThrownBy(() -> job("dataset", settings).on(devices).run())
        .hasMessageContaining(difference);
    assertThat(devices.log().batches).isEmpty();
  }

  @Test
  void aJvmThatIsKilledLeavesNothingHalf() throws Exception {
    DatasetJob clean = job("clean");
    clean.run();
    Process job =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                KilledJob.class.getName(),
                input.toString(),
                folder.resolve("dataset").toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    try {
      // The first archive is there; the next ones are being drawn, slowly.
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
      while (!Files.exists(folder.resolve("dataset/images"))) {
        assertThat(job.isAlive()).as(Files.readString(folder.resolve("log"))).isTrue();
        assertThat(System.nanoTime()).isLessThan(deadline);
        TimeUnit.MILLISECONDS.sleep(5);
      }
    } finally {
      job.destroyForcibly().waitFor();
    }

    Map<String, byte[]> seen = job("dataset").files();
    seen.keySet().removeIf(name -> name.startsWith(".tmp/"));
    assertThat(seen).doesNotContainKey("_SUCCESS");
    seen.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(read("clean", name)));
    job("dataset").run();
    Map<String, byte[]> resumed = job("dataset").files();
    resumed.keySet().removeIf(name -> name.startsWith(".tmp/"));
    assertThat(resumed).containsExactlyEntriesOf(clean.files());
  }

  /** The job in a JVM of its own, on devices that take their time. */
  static final class KilledJob {
    private KilledJob() {}

    public static void main(String[] arguments) {
      FakeDevices devices = FakeDevices.withSlots(2);
      new DatasetJob(Path.of(arguments[0]), Path.of(arguments[1]), SETTINGS)
          .on(new TakesTime(devices))
          .withTargetParallelism(2)
          .run();
    }
  }
}
