package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.Layout;
import io.shardlight.data.ManifestFormat;
import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.SafetySettings;
import io.shardlight.data.Sampling;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.safety.SafetyScore;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A shard that was interrupted before its marker, and is gone on with on devices that draw the same
 * images with other last bits, as GPUs do.
 */
class InterruptedShardTest {
  private static final List<String> PROMPTS =
      List.of("fox 0", "risky fox 1", "fox 2", "poison", "fox 4", "fox 5");

  private final Path folder;

  InterruptedShardTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private DatasetJob job(String name, GenerationSettings settings) throws IOException {
    Path input = Files.write(folder.resolve("prompts.txt"), PROMPTS);
    return new DatasetJob(input, folder.resolve(name), settings);
  }

  private static GenerationSettings settings(
      Layout layout, ImageFormat format, SafetyPolicy policy) {
    return TestSettings.builder()
        .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 24, 16))
        .shardSize(4)
        .manifestFormats(List.of(ManifestFormat.AVRO, ManifestFormat.JSONL))
        .maxFailureRatio(0.5)
        .layout(layout)
        .imageFormat(format)
        .safety(
            policy == SafetyPolicy.OFF
                ? SafetySettings.OFF
                : new SafetySettings(policy, "5a".repeat(32)))
        .build();
  }

  private static FakeDevices devices(SafetyPolicy policy) {
    FakeDevices devices = FakeDevices.withSlots(3);
    return policy == SafetyPolicy.OFF ? devices : devices.withSafetyChecker();
  }

  /** Takes markers away, and manifests if {@code all}: of the rest nobody says that it is done. */
  private void interrupt(String name, boolean all) throws IOException {
    for (String whole : List.of("_SUCCESS", "dataset.json", "README.md", "metadata.jsonl")) {
      Files.deleteIfExists(folder.resolve(name).resolve(whole));
    }
    for (String part : List.of("_shards", "manifest")) {
      try (Stream<Path> files = Files.list(folder.resolve(name).resolve(part))) {
        for (Path file : files.toList()) {
          boolean marker = file.getFileName().toString().matches("[0-9]+\\.json");
          if (marker || (all && part.equals("manifest"))) {
            Files.delete(file);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FILES, PNG, OFF, true",
    "FILES, JPEG, OFF, false",
    "FILES, PNG, MARK, false",
    "FILES, WEBP, BLANK, true",
    "FILES, PNG, DROP, false",
    "WEBDATASET, PNG, OFF, false",
    "WEBDATASET, JPEG, MARK, true",
    "WEBDATASET, PNG, BLANK, false",
    "WEBDATASET, PNG, DROP, false",
  })
  void imagesThatAreThereAreTakenAsTheyAre(
      Layout layout, ImageFormat format, SafetyPolicy policy, boolean withoutManifests)
      throws Exception {
    GenerationSettings settings = settings(layout, format, policy);
    DatasetJob job = job("out", settings).on(devices(policy));
    job.run();
    Map<String, byte[]> before = job.files();
    // These devices do draw otherwise.
    DatasetJob elsewhere = job("elsewhere", settings).on(new OtherLastBits(devices(policy)));
    elsewhere.run();
    assertThat(hashes(elsewhere.rows())).doesNotContainAnyElementsOf(hashes(job.rows()));
    interrupt("out", withoutManifests);

    job.on(new OtherLastBits(devices(policy))).run();

    Map<String, byte[]> after = job.files();
    if (withoutManifests && settings.safety().isOn() && layout == Layout.FILES) {
      // Nothing tells the scores of before.
      before.keySet().removeIf(name -> !name.startsWith("images/"));
      after.keySet().removeIf(name -> !name.startsWith("images/"));
    }
    assertThat(after).containsExactlyEntriesOf(before);
  }

  /** Of images that differ with the last bits; flagged ones that are blanked do not. */
  private static List<String> hashes(List<GenericRecord> rows) {
    return rows.stream()
        .filter(row -> row.get("sha256") != null)
        .filter(row -> !Boolean.TRUE.equals(row.get("nsfw")))
        .map(row -> row.get("sha256").toString())
        .toList();
  }

  @ParameterizedTest
  @EnumSource(ImageFormat.class)
  void anotherExamplesImageIsNotTaken(ImageFormat format) throws Exception {
    DatasetJob job = job("out", settings(Layout.FILES, format, SafetyPolicy.OFF));
    job.run();
    List<Path> images =
        job.rows().stream()
            .filter(row -> row.get("file_name") != null)
            .map(row -> folder.resolve("out").resolve(row.get("file_name").toString()))
            .toList();
    Files.copy(images.get(0), images.get(1), StandardCopyOption.REPLACE_EXISTING);
    interrupt("out", true);

    assertThatThrownBy(() -> job.on(new OtherLastBits(devices(SafetyPolicy.OFF))).run())
        .hasStackTraceContaining("wanted to create images/")
        .hasStackTraceContaining("but found one with other bytes");
  }

  /** Of JPEGs Java reads what there is, and says so. */
  @ParameterizedTest
  @EnumSource(ImageFormat.class)
  void anImageThatWasCutOffIsNotTaken(ImageFormat format) throws Exception {
    DatasetJob job = job("out", settings(Layout.FILES, format, SafetyPolicy.OFF));
    job.run();
    Path image =
        job.rows().stream()
            .filter(row -> row.get("file_name") != null)
            .map(row -> folder.resolve("out").resolve(row.get("file_name").toString()))
            .findFirst()
            .orElseThrow();
    byte[] whole = Files.readAllBytes(image);
    Files.write(image, Arrays.copyOf(whole, whole.length - 20));
    interrupt("out", true);

    assertThatThrownBy(() -> job.on(new OtherLastBits(devices(SafetyPolicy.OFF))).run())
        .hasStackTraceContaining("but found one with other bytes");
  }

  /** As a broken device draws it, with the right parameters in the file. */
  @ParameterizedTest
  @EnumSource(Layout.class)
  void anImageThatLooksOtherwiseIsNotTaken(Layout layout) throws Exception {
    DatasetJob job =
        job("out", settings(layout, ImageFormat.PNG, SafetyPolicy.OFF))
            .on(new Broken(devices(SafetyPolicy.OFF)));
    job.run();
    interrupt("out", true);

    assertThatThrownBy(() -> job.on(devices(SafetyPolicy.OFF)).run())
        .hasStackTraceContaining("but found one with other bytes");
  }

  /** One that is shown now must not be what was blanked, nor the other way round. */
  @Test
  void aFlaggedImageTakesNoOthers() throws Exception {
    GenerationSettings settings = settings(Layout.FILES, ImageFormat.PNG, SafetyPolicy.BLANK);
    DatasetJob job = job("out", settings).on(devices(SafetyPolicy.BLANK));
    job.run();
    interrupt("out", true);

    assertThatThrownBy(() -> job.on(new Opposite(devices(SafetyPolicy.BLANK))).run())
        .hasStackTraceContaining("but found one with other bytes");
  }

  private static GeneratedImage changed(GeneratedImage image) {
    byte[] rgb = image.rgb().clone();
    for (int i = 0; i < rgb.length; i += 7) {
      rgb[i] ^= 1;
    }
    GeneratedImage changed =
        new GeneratedImage(image.widthPixels(), image.heightPixels(), rgb, image.promptTruncated());
    return image
        .safetyScore()
        .map(score -> changed.withSafetyScore(new SafetyScore(score.value() + 0.001)))
        .orElse(changed);
  }

  private static GeneratedImage upsideDown(GeneratedImage image) {
    byte[] rgb = image.rgb().clone();
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = image.rgb()[rgb.length - 1 - i];
    }
    return new GeneratedImage(
        image.widthPixels(), image.heightPixels(), rgb, image.promptTruncated());
  }

  private static GeneratedImage opposite(GeneratedImage image) {
    return image.withSafetyScore(new SafetyScore(-image.safetyScore().orElseThrow().value()));
  }

  /** Another kernel. */
  private record OtherLastBits(FakeDevices devices) implements GeneratorFactory {
    @Override
    public ImageGenerator create() {
      return new Changing(devices.create(), InterruptedShardTest::changed);
    }
  }

  private record Broken(FakeDevices devices) implements GeneratorFactory {
    @Override
    public ImageGenerator create() {
      return new Changing(devices.create(), InterruptedShardTest::upsideDown);
    }
  }

  /** A checker that flags what another did not. */
  private record Opposite(FakeDevices devices) implements GeneratorFactory {
    @Override
    public ImageGenerator create() {
      return new Changing(devices.create(), InterruptedShardTest::opposite);
    }
  }

  private interface Change {
    GeneratedImage of(GeneratedImage image);
  }

  private static final class Changing extends GeneratorAround {
    private final Change change;

    Changing(ImageGenerator whole, Change change) {
      super(whole);
      this.change = change;
    }

    @Override
    public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
        throws InterruptedException {
      return whole.generate(requests, slots).stream().map(change::of).toList();
    }
  }
}
