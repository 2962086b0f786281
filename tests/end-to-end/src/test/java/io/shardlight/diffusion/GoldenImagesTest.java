package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.random.JaxRandom;
import io.shardlight.diffusion.random.ThreefryMode;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.ResourceFolder;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.FamilyCase;
import io.shardlight.lowerings.GoldenImage;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole images of the tiny model against those of diffusers 0.5.1: the PyTorch pipeline's and the
 * Flax pipeline's, each from safetensors and from msgpack; with more schedulers, and of the
 * embedded demo model, against those of today's PyTorch pipeline. The golden data's tolerances:
 * 5e-5 on pixels in [0, 1], one level after rounding.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenImagesTest {
  private static final float PIXEL_TOLERANCE = 5e-5f;

  private final List<TextToImage> open = new ArrayList<>();
  private TextToImage torchFromSafetensors;
  private TextToImage torchFromMsgpack;
  private TextToImage flaxFromSafetensors;
  private TextToImage flaxFromMsgpack;
  private TextToImage demo;
  private final Map<Map<String, String>, TextToImage> withScheduler = new HashMap<>();

  @BeforeAll
  void replicate(@TempDir Path cache) throws IOException {
    torchFromSafetensors = replicate(cache, TinyModels.torch(), Optional.empty());
    torchFromMsgpack = replicate(cache, TinyModels.flax(), Optional.of(Numerics.TORCH));
    flaxFromSafetensors = replicate(cache, TinyModels.torch(), Optional.of(Numerics.FLAX));
    flaxFromMsgpack = replicate(cache, TinyModels.flax(), Optional.empty());
    demo = replicate(cache, demoModel(), Optional.empty());
    for (GoldenImage golden : GoldenImage.schedulers()) {
      Map<String, String> entries = golden.schedulerConfig();
      if (!withScheduler.containsKey(entries)) {
        Path folder = cache.resolve("model" + withScheduler.size());
        Path model = TinyModels.torchWithScheduler(folder, entries);
        withScheduler.put(entries, replicate(cache, model, Optional.empty()));
      }
    }
  }

  @AfterAll
  void close() {
    open.forEach(TextToImage::close);
  }

  /** Where the pipeline's resources hold it. */
  private static Path demoModel() throws IOException {
    URL index = GoldenImagesTest.class.getResource("/io/shardlight/pipeline/demo/model_index.json");
    assertThat(index).isNotNull();
    return ResourceFolder.onDisk(index);
  }

  private TextToImage replicate(Path cache, Path folder, Optional<Numerics> numerics)
      throws IOException {
    TextToImage textToImage =
        TextToImage.replicate(
            StableDiffusion.open(ModelDirectory.open(folder), numerics),
            TextToImageOptions.DEFAULTS.withCacheDirectory(cache));
    open.add(textToImage);
    return textToImage;
  }

  static List<GoldenImage> torchCases() {
    List<GoldenImage> cases = GoldenImage.torch();
    assertThat(cases).hasSize(14);
    return cases;
  }

  static List<GoldenImage> flaxCases() {
    List<GoldenImage> cases = GoldenImage.flax();
    assertThat(cases).hasSize(13);
    return cases;
  }

  static List<GoldenImage> schedulerCases() {
    List<GoldenImage> cases = GoldenImage.schedulers();
    assertThat(cases).hasSize(8);
    return cases;
  }

  static List<GoldenImage> demoCases() {
    List<GoldenImage> cases = GoldenImage.demo();
    assertThat(cases).hasSize(2);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("torchCases")
  void drawsWhatThePyTorchPipelineDrew(GoldenImage golden) {
    float[] noise = noise(golden.request());
    assertDraws(torchFromSafetensors, golden, noise);
    assertDraws(torchFromMsgpack, golden, noise);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("flaxCases")
  void drawsWhatTheFlaxPipelineDrew(GoldenImage golden) {
    float[] noise = noise(golden.request());
    assertDraws(flaxFromMsgpack, golden, noise);
    assertDraws(flaxFromSafetensors, golden, noise);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("schedulerCases")
  void drawsWithEverySchedulerWhatThePyTorchPipelineDraws(GoldenImage golden) {
    TextToImage textToImage = withScheduler.get(golden.schedulerConfig());
    assertThat(textToImage).isNotNull();
    assertDraws(textToImage, golden, noise(golden.request()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("demoCases")
  void drawsWithTheDemoModelWhatThePyTorchPipelineDraws(GoldenImage golden) throws IOException {
    NpzArchive more = Golden.archive("demo/e2e.npz");
    ClipTokenizer tokenizer = ClipTokenizer.load(demoModel().resolve("tokenizer"));

    assertThat(tokenizer.encode(golden.request().prompt()).ids())
        .isEqualTo(more.array(golden.id() + "/ids").ints());
    assertDraws(demo, golden, more.array(golden.id() + "/noise").floats());
  }

  static List<FamilyCase> familyCases() throws IOException {
    List<FamilyCase> cases = FamilyCase.epsilon();
    assertThat(cases).hasSize(7);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("familyCases")
  void drawsWithOtherFamiliesLorasAndVaeWhatThePyTorchPipelineDraws(
      FamilyCase family, @TempDir Path cache) throws IOException {
    StableDiffusion model =
        StableDiffusion.open(
            ModelDirectory.open(family.model()), Optional.empty(), family.additions());
    try (TextToImage textToImage =
        TextToImage.replicate(model, TextToImageOptions.DEFAULTS.withCacheDirectory(cache))) {
      assertDraws(textToImage, family.image(), noise(family.image().request()));
    }
  }

  static float[] noise(ImageRequest request) {
    int values = 4 * (request.heightPixels() / 8) * (request.widthPixels() / 8);
    return JaxRandom.normal(request.noiseKey(), values, ThreefryMode.ORIGINAL);
  }

  static void assertDraws(TextToImage textToImage, GoldenImage golden, float[] noise) {
    ImageRequest request = golden.request();
    int height = request.heightPixels() / 8;
    int width = request.widthPixels() / 8;
    VirtualDevices lanes = (VirtualDevices) textToImage.runner();
    DenoisingLoop loop = lanes.loop();
    float[] image =
        loop.decode(
            loop.denoise(
                request,
                lanes.promptEncoder().encode(request.prompt()),
                noise,
                new AtomicBoolean()),
            height,
            width);

    assertThat(maxPixelDifference(image, golden.pixels().floats()))
        .isLessThanOrEqualTo(PIXEL_TOLERANCE);
    assertThat(Difference.ofLevels(DenoisingLoop.toRgb(image), golden.bytes().bytes()))
        .isLessThanOrEqualTo(1);
  }

  /**
   * @param planes {@code [1, 3, h, w]} in [-1, 1]
   * @param pixels {@code [1, h, w, 3]} in [0, 1]
   */
  private static float maxPixelDifference(float[] planes, float[] pixels) {
    assertThat(pixels).hasSameSizeAs(planes);
    int area = planes.length / 3;
    float max = 0;
    for (int i = 0; i < planes.length; i++) {
      float drawn = DenoisingLoop.unit(planes[i % 3 * area + i / 3]);
      // Written so that a NaN is the maximum and fails.
      float difference = Math.abs(drawn - pixels[i]);
      max = difference <= max ? max : difference;
    }
    return max;
  }
}
