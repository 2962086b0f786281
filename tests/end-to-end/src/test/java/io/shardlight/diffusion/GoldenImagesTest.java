package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.random.JaxRandom;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.random.ThreefryMode;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.ResourceFolder;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole images of the tiny model against those of diffusers 0.5.1: the PyTorch pipeline's and the
 * Flax pipeline's, each from safetensors and from msgpack; and of the embedded demo model against
 * those of today's PyTorch pipeline. The golden data's tolerances: 5e-5 on pixels in [0, 1], one
 * level after rounding.
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

  @BeforeAll
  void replicate(@TempDir Path cache) throws IOException {
    torchFromSafetensors = replicate(cache, TinyModels.torch(), Optional.empty());
    torchFromMsgpack = replicate(cache, TinyModels.flax(), Optional.of(Numerics.TORCH));
    flaxFromSafetensors = replicate(cache, TinyModels.torch(), Optional.of(Numerics.FLAX));
    flaxFromMsgpack = replicate(cache, TinyModels.flax(), Optional.empty());
    demo = replicate(cache, demoModel(), Optional.empty());
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

  static List<Arguments> torchCases() {
    return cases(
        "tiny/e2e",
        14,
        c ->
            new ImageRequest(
                c.get("prompt").asText(),
                c.get("neg").isNull() ? "" : c.get("neg").asText(),
                PrngKey.ofSeed(c.get("seed").asLong()),
                c.get("w").asInt(),
                c.get("h").asInt(),
                SchedulerKind.fromOption(c.get("sched").asText()),
                c.get("steps").asInt(),
                c.get("g").floatValue()));
  }

  static List<Arguments> flaxCases() {
    return cases(
        "flax/e2e_flax",
        13,
        c ->
            new ImageRequest(
                c.get("prompt").asText(),
                "",
                new PrngKey((int) c.get("key").get(0).asLong(), (int) c.get("key").get(1).asLong()),
                128,
                128,
                SchedulerKind.PNDM,
                c.get("steps").asInt(),
                c.get("g").floatValue()));
  }

  /** Id, request, golden pixels and golden bytes of every case of a golden file. */
  private static List<Arguments> cases(
      String file, int count, Function<JsonNode, ImageRequest> request) {
    NpzArchive images = Golden.archive(file + ".npz");
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode c : Golden.json(file + ".json")) {
      String id = c.get("id").asText();
      cases.add(
          Arguments.of(
              id,
              request.apply(c),
              images.array(id + "/image_f32"),
              images.array(id + "/image_u8")));
    }
    assertThat(cases).hasSize(count);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("torchCases")
  void drawsWhatThePyTorchPipelineDrew(
      String id, ImageRequest request, NpyArray pixels, NpyArray bytes) {
    float[] noise = noise(request);
    assertDraws(torchFromSafetensors, request, noise, pixels, bytes);
    assertDraws(torchFromMsgpack, request, noise, pixels, bytes);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("flaxCases")
  void drawsWhatTheFlaxPipelineDrew(
      String id, ImageRequest request, NpyArray pixels, NpyArray bytes) {
    float[] noise = noise(request);
    assertDraws(flaxFromMsgpack, request, noise, pixels, bytes);
    assertDraws(flaxFromSafetensors, request, noise, pixels, bytes);
  }

  static List<Arguments> demoCases() {
    return cases(
        "demo/e2e",
        2,
        c ->
            new ImageRequest(
                c.get("prompt").asText(),
                "",
                PrngKey.ofSeed(0),
                128,
                128,
                SchedulerKind.PNDM,
                c.get("steps").asInt(),
                c.get("g").floatValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("demoCases")
  void drawsWithTheDemoModelWhatThePyTorchPipelineDraws(
      String id, ImageRequest request, NpyArray pixels, NpyArray bytes) throws IOException {
    NpzArchive golden = Golden.archive("demo/e2e.npz");
    ClipTokenizer tokenizer = ClipTokenizer.load(demoModel().resolve("tokenizer"));

    assertThat(tokenizer.encode(request.prompt()).ids())
        .isEqualTo(golden.array(id + "/ids").ints());
    assertDraws(demo, request, golden.array(id + "/noise").floats(), pixels, bytes);
  }

  private static float[] noise(ImageRequest request) {
    int values = 4 * (request.heightPixels() / 8) * (request.widthPixels() / 8);
    return JaxRandom.normal(request.noiseKey(), values, ThreefryMode.ORIGINAL);
  }

  private static void assertDraws(
      TextToImage textToImage,
      ImageRequest request,
      float[] noise,
      NpyArray pixels,
      NpyArray bytes) {
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

    assertThat(maxPixelDifference(image, pixels.floats())).isLessThanOrEqualTo(PIXEL_TOLERANCE);
    assertThat(maxLevelDifference(DenoisingLoop.toRgb(image), bytes.bytes()))
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

  private static int maxLevelDifference(byte[] drawn, byte[] golden) {
    assertThat(drawn).hasSameSizeAs(golden);
    int max = 0;
    for (int i = 0; i < drawn.length; i++) {
      max = Math.max(max, Math.abs((drawn[i] & 0xff) - (golden[i] & 0xff)));
    }
    return max;
  }
}
