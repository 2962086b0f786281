package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.DatasetPaths;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetGalleryTest {
  private final Path folder;

  DatasetGalleryTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private SketchedDataset sketch(int images) throws IOException {
    SketchedDataset dataset = new SketchedDataset(folder, 128, 128);
    String[] prompts = {
      "a lighthouse at dawn", "an oil painting of a harbour under a starry night sky", "قارب صغير"
    };
    for (int i = 0; i < images; i++) {
      dataset.ok(prompts[i % prompts.length]);
    }
    return dataset;
  }

  @Test
  void countsWhatItShows() throws Exception {
    SketchedDataset dataset =
        sketch(6)
            .ok("flagged", row -> row.set("nsfw", true))
            .blocked("blocked")
            .failed("failed", "java.lang.IllegalArgumentException")
            .commit();
    Files.delete(dataset.image(1));
    byte[] bytes = Files.readAllBytes(dataset.image(2));
    bytes[bytes.length / 2] ^= 1;
    Files.write(dataset.image(2), bytes);
    Files.write(dataset.image(3), Arrays.copyOf(bytes, 100));

    GallerySummary summary = DatasetGallery.of(dataset.store(), true).draw();

    assertThat(summary.images()).isEqualTo(4);
    assertThat(summary.missing()).isEqualTo(3);
    assertThat(summary.failed()).isOne();
    assertThat(summary.blocked()).isOne();
    assertThat(summary.flagged()).isEqualTo(2);
    assertThat(summary.sheet()).as("what may be seen without asking").isEqualTo(3);
    assertThat(folder.resolve(DatasetPaths.GALLERY))
        .hasSize(summary.pageBytes())
        .content()
        .contains("the file is not there")
        .contains("the file is damaged: it is not what the manifest says");
  }

  @Test
  void theSheetShowsTheImagesThemselves() throws Exception {
    SketchedDataset dataset = sketch(8).commit();
    dataset.gallery();

    BufferedImage sheet = ImageIO.read(folder.resolve(DatasetPaths.CONTACT_SHEET).toFile());
    BufferedImage first = ImageIO.read(dataset.image(0).toFile());

    assertThat(sheet.getWidth()).isEqualTo(2 * 28 + 4 * 128 + 3 * 16);
    assertThat(sheet.getRGB(28 + 10, 28 + 10, 100, 100, null, 0, 100))
        .isEqualTo(first.getRGB(10, 10, 100, 100, null, 0, 100));
    String screenshots = System.getProperty("shardlight.screenshots");
    if (screenshots != null) {
      Files.createDirectories(Path.of(screenshots));
      ImageIO.write(sheet, "png", Path.of(screenshots, "contact-sheet.png").toFile());
    }
  }

  @Test
  void theSameDatasetGivesTheSameBytesWhereverItLies(@TempDir Path other) throws Exception {
    sketch(40).commit().gallery();
    SketchedDataset again = new SketchedDataset(other.resolve("elsewhere"), 128, 128);
    for (int i = 0; i < 40; i++) {
      again.ok(
          new String[] {
                "a lighthouse at dawn",
                "an oil painting of a harbour under a starry night sky",
                "قارب صغير"
              }
              [i % 3]);
    }
    again.commit().gallery();

    for (String name : new String[] {DatasetPaths.GALLERY, DatasetPaths.CONTACT_SHEET}) {
      assertThat(again.folder().resolve(name)).hasSameBinaryContentAs(folder.resolve(name));
    }
  }

  @Test
  void aDamagedManifestIsAnErrorThatNamesIt() throws Exception {
    SketchedDataset dataset = sketch(1).commit();
    Files.writeString(folder.resolve("manifest/00000.avro"), "no Avro");

    assertThatThrownBy(() -> DatasetGallery.of(dataset.store(), true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("manifest/00000.avro")
        .hasMessageContaining("as its marker says");
  }

  @Test
  void aDamagedMarkerIsAnErrorThatNamesIt() throws Exception {
    SketchedDataset dataset = sketch(1).commit();
    Files.writeString(folder.resolve("_shards/00000.json"), "{}");

    assertThatThrownBy(() -> DatasetGallery.of(dataset.store(), true))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("_shards/00000.json");
  }

  @Test
  void withoutACompleteShardThereIsNothingToDraw() {
    assertThatThrownBy(() -> DatasetGallery.of(new SketchedDataset(folder, 8, 8).store(), false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no shard of " + folder + " is complete yet");
  }
}
