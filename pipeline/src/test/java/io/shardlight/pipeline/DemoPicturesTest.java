package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The embedded model answers prompts: seen in the pixels, by the colours that its world is painted
 * in ({@code tests/demo-model/world.py}). How well it does over hundreds of prompts is in its card.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DemoPicturesTest {
  /** Red, green and blue of the bright colours. */
  private static final Map<String, int[]> COLOURS = new LinkedHashMap<>();

  static {
    COLOURS.put("red", new int[] {212, 38, 38});
    COLOURS.put("orange", new int[] {244, 128, 28});
    COLOURS.put("yellow", new int[] {250, 212, 48});
    COLOURS.put("green", new int[] {52, 160, 68});
    COLOURS.put("blue", new int[] {40, 92, 208});
    COLOURS.put("purple", new int[] {124, 58, 172});
    COLOURS.put("pink", new int[] {246, 138, 184});
  }

  /** Squared distance in RGB within which a pixel is of a colour. */
  private static final int NEAR = 60 * 60;

  private StableDiffusion model;
  private TextToImage textToImage;

  @BeforeAll
  void replicate(@TempDir Path cache) throws IOException {
    model = StableDiffusion.open(ModelDirectory.open(DemoModel.extract(cache)), Optional.empty());
    textToImage =
        TextToImage.replicate(model, TextToImageOptions.DEFAULTS.withCacheDirectory(cache));
  }

  @AfterAll
  void close() {
    textToImage.close();
  }

  private List<GeneratedImage> draw(List<String> prompts) throws InterruptedException {
    List<GeneratedImage> images = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      images.addAll(textToImage.generate(List.of(request(prompts.get(i), i))));
    }
    return images;
  }

  private ImageRequest request(String prompt, int seed) {
    return new ImageRequest(
        prompt,
        "",
        PrngKey.ofSeed(seed),
        model.defaultWidthPixels(),
        model.defaultHeightPixels(),
        model.schedulerConfig().kind(),
        model.generationConfig().numInferenceSteps(),
        model.generationConfig().guidanceScale());
  }

  @Test
  void thingsHaveTheColourAskedFor() throws InterruptedException {
    List<String> asked = List.copyOf(COLOURS.keySet());

    List<GeneratedImage> images =
        draw(
            asked.stream()
                .map(colour -> "a big " + colour + " ball in the middle in front of a white wall")
                .toList());

    for (int i = 0; i < asked.size(); i++) {
      GeneratedImage image = images.get(i);
      assertThat(
              COLOURS.keySet().stream()
                  .max(Comparator.comparing(colour -> pixelsOf(colour, image))))
          .as("what there is most of, asked for %s", asked.get(i))
          .contains(asked.get(i));
      assertThat(pixelsOf(asked.get(i), image))
          .as("pixels that are %s", asked.get(i))
          .isGreaterThan(image.rgb().length / 3 / 50);
    }
  }

  @Test
  void thingsStandOnTheSideAskedFor() throws InterruptedException {
    for (String[] pair :
        new String[][] {
          {"red", "blue"}, {"yellow", "purple"}, {"green", "red"}, {"blue", "orange"}
        }) {
      String things = "a %s ball %s of a %s cube on a white table in front of a white wall";
      List<GeneratedImage> images =
          draw(
              List.of(
                  things.formatted(pair[0], "left", pair[1]),
                  things.formatted(pair[0], "right", pair[1])));

      assertThat(meanColumn(pair[0], images.get(0)))
          .as("column of %s, asked for left of %s", pair[0], pair[1])
          .isLessThan(meanColumn(pair[1], images.get(0)));
      assertThat(meanColumn(pair[0], images.get(1)))
          .as("column of %s, asked for right of %s", pair[0], pair[1])
          .isGreaterThan(meanColumn(pair[1], images.get(1)));
    }
  }

  private static long pixelsOf(String colour, GeneratedImage image) {
    return pixels(colour, image).count();
  }

  private static double meanColumn(String colour, GeneratedImage image) {
    return pixels(colour, image)
        .map(pixel -> pixel % image.widthPixels())
        .average()
        .orElseThrow(() -> new AssertionError("no pixel is " + colour));
  }

  /** Which pixels, row by row, are of a colour. */
  private static IntStream pixels(String colour, GeneratedImage image) {
    int[] wanted = Objects.requireNonNull(COLOURS.get(colour));
    byte[] rgb = image.rgb();
    return IntStream.range(0, rgb.length / 3)
        .filter(
            pixel ->
                IntStream.range(0, 3)
                        .map(channel -> (rgb[3 * pixel + channel] & 0xff) - wanted[channel])
                        .map(difference -> difference * difference)
                        .sum()
                    < NEAR);
  }
}
