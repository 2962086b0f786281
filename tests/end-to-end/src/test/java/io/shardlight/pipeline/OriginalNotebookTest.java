package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.TinyModels;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The program this one revives: one prompt, {@code jax.random.split(PRNGKey(0), 8)}, eight devices,
 * fifty steps, guidance 7.5, one call. Judged by what the Flax pipeline drew on its first and last
 * device.
 */
class OriginalNotebookTest {
  @TempDir Path directory;

  @Test
  void drawsTheEightImagesOfTheOriginalNotebook() throws IOException {
    Path prompts = directory.resolve("prompts.txt");
    Files.writeString(prompts, "a photo of an astronaut riding a horse on mars\n");
    Path output = directory.resolve("out");

    Launch launch =
        Launch.of(
            directory.resolve("cache"),
            "generate",
            "--input=" + prompts,
            "--output=" + output,
            "--model=" + TinyModels.flax(),
            "--seedPolicy=jaxSplit",
            "--seed=0",
            "--imagesPerPrompt=8",
            "--devices=8",
            "--layout=files");

    assertThat(launch.status()).as(launch.err()).isZero();
    Map<Integer, Path> images = imagesByIndex(output);
    assertThat(images).hasSize(8);
    NpzArchive golden = Golden.archive("flax/e2e_flax.npz");
    assertThat(maxDifference(images, 0, golden.array("p0_split8dev0_g7.5/image_u8").bytes()))
        .isLessThanOrEqualTo(1);
    assertThat(maxDifference(images, 7, golden.array("p0_split8dev7_g7.5/image_u8").bytes()))
        .isLessThanOrEqualTo(1);
  }

  private static Map<Integer, Path> imagesByIndex(Path output) throws IOException {
    Map<Integer, Path> images = new HashMap<>();
    ObjectMapper json = new ObjectMapper();
    for (String line : Files.readAllLines(output.resolve("metadata.jsonl"))) {
      JsonNode row = json.readTree(line);
      images.put(
          row.required("image_index").asInt(), output.resolve(row.required("file_name").asText()));
    }
    return images;
  }

  private static int maxDifference(Map<Integer, Path> images, int index, byte[] golden)
      throws IOException {
    BufferedImage image = ImageIO.read(Objects.requireNonNull(images.get(index)).toFile());
    int max = 0;
    for (int i = 0; i < image.getWidth() * image.getHeight(); i++) {
      int rgb = image.getRGB(i % image.getWidth(), i / image.getWidth());
      for (int channel = 0; channel < 3; channel++) {
        int drawn = (rgb >> (8 * (2 - channel))) & 0xff;
        max = Math.max(max, Math.abs(drawn - (golden[3 * i + channel] & 0xff)));
      }
    }
    return max;
  }
}
