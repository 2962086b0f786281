package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.DatasetMode;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.SafetySettings;
import io.shardlight.data.Sampling;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.images.DecodedImage;
import io.shardlight.verify.DatasetVerification;
import io.shardlight.verify.Problem;
import io.shardlight.verify.VerificationProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of flagged images, on devices whose checker flags what its prompt calls risky. */
class SafetyJobTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CHECKER = "5a".repeat(32);

  private static final List<String> PROMPTS =
      List.of("fox 0", "risky fox 1", "fox 2", "fox 3", "risky fox 4", "fox 5", "fox 6");

  /** Drawn without a look. */
  private static Map<String, byte[]> plainFiles = Map.of();

  /** By prompt. */
  private static Map<String, GenericRecord> plainRows = Map.of();

  private final Path folder;

  SafetyJobTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @BeforeAll
  static void drawWithoutALook(@TempDir Path temporary) throws IOException {
    DatasetJob plain =
        new SafetyJobTest(temporary).job("out", SafetyPolicy.OFF, Layout.FILES, PROMPTS);
    plain.run();
    plainFiles = plain.files();
    plainRows =
        plain.rows().stream()
            .collect(Collectors.toMap(row -> row.get("prompt").toString(), row -> row));
  }

  private static GenerationSettings settings(SafetyPolicy policy, Layout layout) {
    SafetySettings safety =
        policy == SafetyPolicy.OFF ? SafetySettings.OFF : new SafetySettings(policy, CHECKER);
    return TestSettings.builder()
        .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 8))
        .shardSize(4)
        .manifestFormats(List.of(ManifestFormat.AVRO, ManifestFormat.PARQUET, ManifestFormat.JSONL))
        .maxFailureRatio(0.5)
        .layout(layout)
        .safety(safety)
        .build();
  }

  private static FakeDevices devices(SafetyPolicy policy) {
    FakeDevices devices = FakeDevices.withSlots(3);
    return policy == SafetyPolicy.OFF ? devices : devices.withSafetyChecker();
  }

  private DatasetJob job(String name, SafetyPolicy policy, Layout layout, List<String> prompts)
      throws IOException {
    Path input = Files.write(folder.resolve("prompts.txt"), prompts);
    return new DatasetJob(input, folder.resolve(name), settings(policy, layout))
        .on(devices(policy));
  }

  private List<Problem> problems(String name) throws Exception {
    VerificationProgress nobody =
        new VerificationProgress() {
          @Override
          public void plan(long rows) {}

          @Override
          public void advance(long rows) {}
        };
    return DatasetVerification.of(
            ObjectStore.open(folder.resolve(name).toString()), "0.1.0", 2, nobody)
        .problems();
  }

  private JsonNode report(String name) throws IOException {
    try (Stream<Path> runs = Files.list(folder.resolve(name).resolve("runs"))) {
      Path newest =
          runs.map(run -> run.resolve("report.json"))
              .filter(Files::exists)
              .max((a, b) -> Long.compare(a.toFile().lastModified(), b.toFile().lastModified()))
              .orElseThrow();
      return JSON.readTree(newest.toFile());
    }
  }

  private static String text(Map<String, byte[]> files, String name) {
    return new String(Optional.ofNullable(files.get(name)).orElseThrow(), UTF_8);
  }

  private static byte[] pixels(Map<String, byte[]> files, GenericRecord row) throws IOException {
    byte[] file = Optional.ofNullable(files.get(row.get("file_name").toString())).orElseThrow();
    return DecodedImage.decode(file, 16, 8).rgb();
  }

  private static GenericRecord plain(GenericRecord row) {
    return Optional.ofNullable(plainRows.get(row.get("prompt").toString())).orElseThrow();
  }

  private static boolean isRisky(GenericRecord row) {
    return row.get("prompt").toString().contains("risky");
  }

  @ParameterizedTest
  @EnumSource(SafetyPolicy.class)
  void aFlaggedImageIsMarkedBlankedDroppedOrNotLookedAt(SafetyPolicy policy) throws Exception {
    DatasetJob job = job("out", policy, Layout.FILES, PROMPTS);
    Map<String, Long> counters = job.run();

    boolean looked = policy != SafetyPolicy.OFF;
    boolean drops = policy == SafetyPolicy.DROP;
    Map<String, byte[]> files = job.files();
    List<GenericRecord> rows = job.rows();
    assertThat(rows).hasSize(7);
    for (GenericRecord row : rows) {
      boolean risky = isRisky(row);
      assertThat(row.get("nsfw")).isEqualTo(looked ? risky : null);
      assertThat(row.get("nsfw_score")).isEqualTo(looked ? risky ? 0.125f : -0.25f : null);
      assertThat(row.get("status").toString()).isEqualTo(risky && drops ? "blocked" : "ok");
      assertThat(row.get("file_name") == null).isEqualTo(risky && drops);
      assertThat(row.get("prompt_truncated")).isEqualTo(false);
      assertThat(row.get("error_class")).isNull();
      // What shapes no pixel names no other image.
      assertThat(row.get("example_id").equals(plain(row).get("example_id")))
          .isEqualTo(policy != SafetyPolicy.BLANK);
      if (!risky || !drops) {
        byte[] drawn = pixels(plainFiles, plain(row));
        byte[] wanted = risky && policy == SafetyPolicy.BLANK ? new byte[drawn.length] : drawn;
        assertThat(pixels(files, row)).isEqualTo(wanted);
      }
    }

    JsonNode counts = report("out").get("counts");
    assertThat(counts.get("asked").asInt()).isEqualTo(7);
    assertThat(counts.get("ok").asInt()).isEqualTo(drops ? 5 : 7);
    assertThat(counts.get("blocked").asInt()).isEqualTo(drops ? 2 : 0);
    assertThat(counts.get("failed").asInt()).isZero();
    assertThat(counts.get("generated").asInt()).isEqualTo(drops ? 5 : 7);
    assertThat(counts.path("flagged").asInt(-1)).isEqualTo(looked ? 2 : -1);
    assertThat(counters).containsEntry("images", drops ? 5L : 7L);
    assertThat(counters.getOrDefault("failed", 0L)).isZero();
    assertThat(counters.getOrDefault("blocked", 0L)).isEqualTo(drops ? 2 : 0);
    assertThat(counters.getOrDefault("flagged", 0L)).isEqualTo(looked ? 2 : 0);

    JsonNode dataset = JSON.readTree(text(files, "dataset.json"));
    assertThat(dataset.at("/counts/flagged").asInt(-1)).isEqualTo(looked ? 2 : -1);
    assertThat(dataset.at("/settings/safety").asText())
        .isEqualTo(looked ? policy.optionName() : "");
    assertThat(dataset.at("/settings/safety_checker_sha256").asText())
        .isEqualTo(looked ? CHECKER : "");
    String card = text(files, "README.md");
    assertThat(card.contains("| safety checker | SHA-256 `" + CHECKER + "`; 2 images "))
        .isEqualTo(looked);
    assertThat(card.contains("- not-for-all-audiences")).isEqualTo(policy == SafetyPolicy.MARK);
    for (String line : text(files, "metadata.jsonl").lines().toList()) {
      JsonNode row = JSON.readTree(line);
      assertThat(row.path("nsfw").isBoolean()).isEqualTo(looked);
      assertThat(row.path("nsfw").asBoolean()).isEqualTo(looked && line.contains("risky"));
      assertThat(row.path("nsfw_score").isNumber()).isEqualTo(looked);
    }
    assertThat(text(files, "metadata.jsonl").lines()).hasSize(drops ? 5 : 7);
    assertThat(problems("out")).isEmpty();
  }

  /** A trainer finds what the manifest has beside the image, and nothing of what was dropped. */
  @Test
  void archivesHoldTheRowsOfWhatIsKept() throws Exception {
    DatasetJob job = job("out", SafetyPolicy.DROP, Layout.WEBDATASET, PROMPTS);
    job.run();

    String archive = text(job.files(), "images/00000.tar");
    for (GenericRecord row : job.rows()) {
      if (row.get("shard").equals(0)) {
        assertThat(archive.contains(row.get("key") + ".json"))
            .isEqualTo(row.get("file_name") != null);
      }
    }
    assertThat(archive).contains("\"nsfw\":false");
    assertThat(problems("out")).isEmpty();
  }

  @Test
  void aStoppedJobEndsAsIfItHadNotBeenStopped() throws Exception {
    Layout layout = Layout.WEBDATASET;
    DatasetJob whole = job("whole", SafetyPolicy.DROP, layout, PROMPTS);
    whole.run();
    DatasetJob stopped = job("out", SafetyPolicy.DROP, layout, PROMPTS);
    FakeDevices devices = FakeDevices.withSlots(1).withSafetyChecker();
    assertThatThrownBy(() -> stopped.on(new BreaksAfter(devices, 5)).run());
    stopped.on(devices(SafetyPolicy.DROP)).run();

    assertSame(stopped, whole);
    assertThatThrownBy(() -> job("out", SafetyPolicy.MARK, layout, PROMPTS).run())
        .hasMessageContaining("safety is \"drop\" there and \"mark\" now");
  }

  private static void assertSame(DatasetJob found, DatasetJob wanted) throws IOException {
    Map<String, byte[]> expected = wanted.files();
    Map<String, byte[]> actual = found.files();
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach(
        (name, bytes) -> assertThat(Arrays.equals(bytes, expected.get(name))).as(name).isTrue());
  }

  /**
   * What was held back is no failure; what fails, and is then drawn and held back, is none either.
   */
  @Test
  void blockedImagesAreNotTriedAgain() throws Exception {
    Layout layout = Layout.WEBDATASET;
    List<String> prompts = List.of("fox", "risky fox", "poison", "risky poison", "owl");
    DatasetJob calm =
        job("calm", SafetyPolicy.DROP, layout, prompts)
            .on(new DatasetModesTest.Cured(devices(SafetyPolicy.DROP)));
    calm.run();
    DatasetJob job = job("out", SafetyPolicy.DROP, layout, prompts);
    job.run();
    assertThat(report("out").at("/counts/blocked").asInt()).isEqualTo(1);
    assertThat(report("out").at("/counts/failed").asInt()).isEqualTo(2);

    FakeDevices devices = devices(SafetyPolicy.DROP);
    job.withMode(DatasetMode.RETRY_FAILED).on(new DatasetModesTest.Cured(devices)).run();

    assertThat(devices.log().batches.stream().mapToInt(List::size).sum()).isEqualTo(2);
    assertThat(problems("out")).isEmpty();
    assertSame(job, calm);
    JsonNode counts = report("out").get("counts");
    assertThat(counts.get("ok").asInt()).isEqualTo(1);
    assertThat(counts.get("blocked").asInt()).isEqualTo(1);
    assertThat(counts.get("flagged").asInt()).isEqualTo(1);
    assertThat(counts.get("failed").asInt()).isZero();
    assertThat(counts.get("left_alone").asInt()).isEqualTo(3);
  }

  /** Nobody is to believe that images were checked which were not. */
  @Test
  void aGeneratorLoadedOtherwiseIsAFault() throws Exception {
    assertThatThrownBy(
            () ->
                job("out", SafetyPolicy.MARK, Layout.FILES, PROMPTS)
                    .on(FakeDevices.withSlots(2))
                    .run())
        .hasMessageContaining("looked at by a safety checker with safety=mark");
  }

  private List<Path> markers() throws IOException {
    try (Stream<Path> all = Files.list(folder.resolve("out/_shards"))) {
      return all.filter(file -> file.getFileName().toString().matches("[0-9]+\\.json")).toList();
    }
  }

  @Test
  void aCountOfFlaggedImagesThatIsWrongIsDamage() throws Exception {
    job("out", SafetyPolicy.MARK, Layout.FILES, PROMPTS).run();
    for (Path marker : markers()) {
      Files.writeString(
          marker, Files.readString(marker).replaceFirst("\"flagged\":[0-9]", "\"flagged\":9"));
    }
    assertThat(problems("out"))
        .anySatisfy(found -> assertThat(found.text()).contains("flagged must be "));
    for (Path marker : markers()) {
      Files.writeString(marker, Files.readString(marker).replaceFirst("\"flagged\":[0-9],", ""));
    }
    assertThat(problems("out"))
        .anySatisfy(
            found ->
                assertThat(found.text())
                    .contains("must say how many images are flagged, as safety is mark"));
  }
}
