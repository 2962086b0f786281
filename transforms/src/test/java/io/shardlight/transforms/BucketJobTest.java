package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.DatasetMode;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sampling;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import io.shardlight.gallery.DatasetGallery;
import io.shardlight.gallery.GallerySummary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole job from bucket to bucket, and the same on a local disk to compare it with. */
class BucketJobTest {
  private static final String PROMPTS =
      """
      {"prompt": "a {red|blue} __animal__", "topic": "animals"}
      {"prompt": "ein grüner Käfer, 猫", "seed": 4294967295, "id": "beetle"}
      {"prompt": "a small owl", "width": 32, "height": 8, "images": 1}
      {"prompt": ""}
      {"prompt": "a __weather/calm__ day"}
      """;

  private static final Fault[] PASSING = {
    Fault.TOO_MANY_REQUESTS,
    Fault.UNAVAILABLE,
    Fault.CONNECTION_LOST,
    Fault.ACKNOWLEDGEMENT_LOST,
    Fault.SLOW_ANSWER,
    Fault.ANSWER_CUT,
    Fault.RESET_IN_UPLOAD
  };

  private final FakeGcs gcs = FakeGcs.start("prompts", "datasets");
  private final Path folder;

  BucketJobTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    gcs.slowness(Duration.ofMillis(20));
    // Names, options and wildcards are Beam's to read.
    useBuckets();
    for (String[] file :
        new String[][] {
          {"in/prompts.jsonl", PROMPTS},
          {"wildcards/animal.txt", "fox\nhen\n"},
          {"wildcards/weather/calm.txt", "still\nquiet\n"},
        }) {
      gcs.put("prompts", file[0], file[1].getBytes(StandardCharsets.UTF_8));
      Path local = folder.resolve(file[0]);
      Files.createDirectories(local.getParent());
      Files.writeString(local, file[1]);
    }
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  private void useBuckets() {
    FileSystems.setDefaultPipelineOptions(
        PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0])).create());
  }

  private static GenerationSettings settings(String wildcards) throws IOException {
    return TestSettings.builder()
        .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 24))
        .imagesPerPrompt(3)
        .shardSize(4)
        .templates(WildcardFiles.describe(wildcards))
        .build();
  }

  private DatasetJob bucketJob() throws IOException {
    return new DatasetJob(
            "gs://prompts/in/*.jsonl", "gs://datasets/run/1", settings("gs://prompts/wildcards"))
        .with(gcs.beamOptions());
  }

  private Map<String, byte[]> localFiles() throws IOException {
    DatasetJob job =
        new DatasetJob(
            folder.resolve("in/prompts.jsonl"),
            folder.resolve("out"),
            settings(folder.resolve("wildcards").toString()));
    job.run();
    useBuckets();
    return job.files();
  }

  private Map<String, byte[]> objects() {
    Map<String, byte[]> objects = new TreeMap<>();
    gcs.objects("datasets")
        .forEach(
            (name, content) -> {
              assertThat(name).startsWith("run/1/");
              if (!name.startsWith("run/1/runs/")) {
                objects.put(name.substring("run/1/".length()), content);
              }
            });
    return objects;
  }

  /** Tried again, overwritten and extended. */
  @Test
  void modesWorkInBuckets() throws Exception {
    Map<String, byte[]> files = localFiles();
    bucketJob().run();
    assertThat(bucketJob().withMode(DatasetMode.RETRY_FAILED).run())
        .doesNotContainKeys("images", "failed");
    assertThat(objects()).containsExactlyEntriesOf(files);

    bucketJob().withMode(DatasetMode.OVERWRITE).run();
    assertThat(objects()).containsExactlyEntriesOf(files);

    gcs.put(
        "prompts",
        "in/more.jsonl",
        "{\"prompt\": \"a late owl\"}\n".getBytes(StandardCharsets.UTF_8));
    assertThat(bucketJob().withMode(DatasetMode.EXTEND).run()).containsEntry("images", 3L);
    assertThat(objects()).containsKeys("_SUCCESS", "_shards/plan-00001.json");
  }

  @Test
  void everyObjectIsTheFileOfTheLocalRun() throws Exception {
    Map<String, byte[]> files = localFiles();

    Map<String, Long> counters = bucketJob().run();

    assertThat(objects()).containsExactlyEntriesOf(files);
    assertThat(files).containsKeys("_SUCCESS", "rejected/prompts.jsonl-00000.jsonl");
    assertThat(counters).containsEntry("images", 10L);
    assertThat(gcs.requests())
        .filteredOn(r -> r.startsWith("insert"))
        .as("objects are written once, under their final names")
        .hasSize(gcs.objects("datasets").size());

    assertThat(bucketJob().run()).containsEntry("alreadyPresent", 10L);
    assertThat(objects()).containsExactlyEntriesOf(files);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void faultsChangeNoByte(long seed) throws Exception {
    Map<String, byte[]> files = localFiles();
    GenerationSettings before = settings("gs://prompts/wildcards");
    assertThat(before.templates().expand()).isTrue();
    DatasetJob job = bucketJob();
    int quiet = gcs.requests().size();
    gcs.inject(FaultPlan.seeded(seed, 0.3, 1, PASSING));

    job.run();

    assertThat(objects()).containsExactlyEntriesOf(files);
    assertThat(gcs.requests().stream().skip(quiet).filter(r -> !r.endsWith("NONE")))
        .hasSizeGreaterThan(8);
  }

  @Test
  void promptsAreReadToTheirEndWhateverHappensOnTheWay() throws Exception {
    Map<String, byte[]> files = localFiles();
    DatasetJob job = bucketJob();
    gcs.inject(
        FaultPlan.script(
            "media prompts/in/",
            Fault.ANSWER_CUT,
            Fault.UNAVAILABLE,
            Fault.ANSWER_CUT,
            Fault.TOO_MANY_REQUESTS,
            Fault.CONNECTION_LOST));

    job.run();

    assertThat(objects()).containsExactlyEntriesOf(files);
    assertThat(gcs.requests()).filteredOn(r -> r.startsWith("media prompts/in/")).hasSize(6);
  }

  @Test
  void aJobThatWasBrokenOffIsResumedToTheSameBytes() throws Exception {
    Map<String, byte[]> files = localFiles();
    gcs.inject(
        (request, attempt) ->
            request.startsWith("insert datasets/run/1/manifest/00001")
                ? Fault.FORBIDDEN
                : Fault.NONE);
    assertThatThrownBy(() -> bucketJob().run())
        .hasStackTraceContaining("wanted to create manifest/00001.avro in gs://datasets/run/1")
        .hasStackTraceContaining("have it given roles/storage.objectUser on bucket datasets");
    assertThat(objects()).doesNotContainKey("_SUCCESS");

    gcs.inject(FaultPlan.none());
    bucketJob().run();

    assertThat(objects()).containsExactlyEntriesOf(files);
  }

  @Test
  void noRunReportsSuccessBeforeItsDatasetIsDone() throws Exception {
    gcs.inject(
        (request, attempt) ->
            request.startsWith("insert datasets/run/1/_SUCCESS") ? Fault.FORBIDDEN : Fault.NONE);
    assertThatThrownBy(() -> bucketJob().run())
        .hasStackTraceContaining("wanted to create _SUCCESS in gs://datasets/run/1");
    assertThat(gcs.objects("datasets").keySet())
        .contains("run/1/dataset.json")
        .noneMatch(name -> name.endsWith("/report.json"));

    gcs.inject(FaultPlan.none());
    assertThat(bucketJob().run()).containsEntry("alreadyPresent", 10L);
    assertThat(gcs.objects("datasets").keySet())
        .contains("run/1/_SUCCESS")
        .anyMatch(name -> name.endsWith("/report.json"));
  }

  @Test
  void theGalleryDoesNotGoThroughAnArchiveForEveryImage() throws Exception {
    GenerationSettings settings =
        settings("gs://prompts/wildcards").toBuilder().imagesPerPrompt(40).shardSize(1000).build();
    new DatasetJob("gs://prompts/in/*.jsonl", "gs://datasets/run/1", settings)
        .with(gcs.beamOptions())
        .run();
    long archives =
        objects().entrySet().stream()
            .filter(object -> object.getKey().endsWith(".tar"))
            .mapToLong(object -> object.getValue().length)
            .sum();
    long before = gcs.answeredBytes();

    GallerySummary gallery =
        DatasetGallery.of(
                ObjectStore.open(
                    "gs://datasets/run/1",
                    PipelineOptionsFactory.fromArgs(gcs.beamOptions().toArray(new String[0]))
                        .create()),
                true)
            .draw();

    assertThat(gallery.images()).isEqualTo(121);
    // Once for the names, by each of two threads, and once for page and sheet each.
    assertThat(gcs.answeredBytes() - before).isLessThan(4 * archives);
  }

  @Test
  void anObjectThatWasTamperedWithIsNeitherAdoptedNorReplaced() throws Exception {
    bucketJob().run();
    String image =
        objects().keySet().stream().filter(n -> n.startsWith("images/")).findFirst().orElseThrow();
    objects().keySet().stream()
        .filter(name -> name.matches("_shards/\\d+\\.json"))
        .forEach(name -> gcs.delete("datasets", "run/1/" + name));
    gcs.put("datasets", "run/1/" + image, new byte[] {1, 2, 3});

    assertThatThrownBy(() -> bucketJob().run())
        .hasStackTraceContaining("wanted to create " + image)
        .hasStackTraceContaining("from offset 0 on, in gs://datasets/run/1");
    assertThat(objects().get(image)).containsExactly(1, 2, 3);
  }
}
