package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.engines.pjrt.client.CpuPlugin;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sharded generation by engine PJRT on eight devices: virtual ones, but through the C API, by a
 * plugin that computes with XLA.
 */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class ReplicatedDevicesTest {
  private static final TextToImageOptions PJRT =
      TextToImageOptions.DEFAULTS.withEngine("PJRT").withPlugin(CpuPlugin.library());

  private final Path cache;

  ReplicatedDevicesTest(@TempDir Path cache) {
    this.cache = cache;
  }

  private static TextToImage replicate(int devices, int batchPerDevice) throws IOException {
    return replicate(
        TinyModels.torch(),
        Numerics.TORCH,
        PJRT.withDevices(devices).withBatchPerDevice(batchPerDevice));
  }

  private static TextToImage replicate(Path model, Numerics numerics, TextToImageOptions options)
      throws IOException {
    return TextToImage.replicate(
        StableDiffusion.open(ModelDirectory.open(model), Optional.of(numerics)), options);
  }

  private static int loads(TextToImage textToImage) {
    return ((ReplicatedDevices) textToImage.runner()).loads();
  }

  private static ImageRequest request(String prompt, long seed, int steps, float guidanceScale) {
    return new ImageRequest(
        prompt, "", PrngKey.ofSeed(seed), 64, 64, SchedulerKind.PNDM, steps, guidanceScale);
  }

  private static List<ImageRequest> eight() {
    List<ImageRequest> requests = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      requests.add(request("a fox in the snow, number " + i, i, 4, 5 + i));
    }
    return requests;
  }

  private static List<byte[]> draw(TextToImage textToImage, List<ImageRequest> requests)
      throws InterruptedException {
    List<byte[]> images = new ArrayList<>();
    for (int start = 0; start < requests.size(); start += textToImage.slots()) {
      int end = Math.min(requests.size(), start + textToImage.slots());
      textToImage.generate(requests.subList(start, end)).forEach(image -> images.add(image.rgb()));
    }
    return images;
  }

  private static int largestDifference(byte[] first, byte[] second) {
    assertThat(first).hasSameSizeAs(second);
    int largest = 0;
    for (int i = 0; i < first.length; i++) {
      largest = Math.max(largest, Math.abs((first[i] & 0xff) - (second[i] & 0xff)));
    }
    return largest;
  }

  private static double meanDifference(byte[] first, byte[] second) {
    double sum = 0;
    for (int i = 0; i < first.length; i++) {
      sum += Math.abs((first[i] & 0xff) - (second[i] & 0xff));
    }
    return sum / first.length;
  }

  @Test
  void drawsWhatThePyTorchPipelineDrewInOneBatchOfEight() throws Exception {
    List<ImageRequest> requests = new ArrayList<>();
    List<byte[]> golden = new ArrayList<>();
    NpzArchive images = Golden.archive("tiny/e2e.npz");
    for (JsonNode c : Golden.json("tiny/e2e.json")) {
      if (requests.size() < 8) {
        requests.add(
            new ImageRequest(
                c.get("prompt").asText(),
                c.path("neg").asText(""),
                PrngKey.ofSeed(c.get("seed").asLong()),
                c.get("w").asInt(),
                c.get("h").asInt(),
                SchedulerKind.fromOption(c.get("sched").asText()),
                c.get("steps").asInt(),
                c.get("g").floatValue()));
        golden.add(images.array(c.get("id").asText() + "/image_u8").bytes());
      }
    }

    try (TextToImage textToImage = replicate(8, 1)) {
      List<GeneratedImage> drawn = textToImage.generate(requests);

      assertThat(drawn).hasSize(8);
      for (int i = 0; i < drawn.size(); i++) {
        assertThat(largestDifference(drawn.get(i).rgb(), golden.get(i)))
            .as("levels of image %d", i)
            .isLessThanOrEqualTo(1);
      }
    }
  }

  @Test
  void drawsTheNotebooksEightImages() throws Exception {
    NpzArchive images = Golden.archive("flax/e2e_flax.npz");
    List<ImageRequest> requests = new ArrayList<>();
    List<byte[]> golden = new ArrayList<>();
    for (JsonNode c : Golden.json("flax/e2e_flax.json")) {
      if (c.get("steps").asInt() == 50 && c.get("g").floatValue() == 7.5f) {
        requests.add(
            new ImageRequest(
                c.get("prompt").asText(),
                "",
                new PrngKey((int) c.get("key").get(0).asLong(), (int) c.get("key").get(1).asLong()),
                128,
                128,
                SchedulerKind.PNDM,
                50,
                7.5f));
        golden.add(images.array(c.get("id").asText() + "/image_u8").bytes());
      }
    }
    assertThat(requests).hasSizeGreaterThan(8);

    try (TextToImage textToImage =
        replicate(TinyModels.flax(), Numerics.FLAX, PJRT.withDevices(8))) {
      List<byte[]> drawn = draw(textToImage, requests);

      for (int i = 0; i < drawn.size(); i++) {
        assertThat(largestDifference(drawn.get(i), golden.get(i)))
            .as("levels of image %d", i)
            .isLessThanOrEqualTo(1);
      }
    }
  }

  @Test
  void imagesDoNotDependOnTheNumberOfDevices() throws Exception {
    List<byte[]> one;
    try (TextToImage textToImage = replicate(1, 1)) {
      one = draw(textToImage, eight());
    }
    for (int devices : new int[] {2, 3, 4, 8}) {
      try (TextToImage textToImage = replicate(devices, 1)) {
        List<byte[]> many = draw(textToImage, eight());

        assertThat(many)
            .as("%d devices", devices)
            .usingElementComparator(Arrays::compare)
            .containsExactlyElementsOf(one);
      }
    }
  }

  @Test
  void imagesDoNotDependOnTheBatchOfADevice() throws Exception {
    List<byte[]> one;
    try (TextToImage textToImage = replicate(8, 1)) {
      one = draw(textToImage, eight());
    }
    for (int[] shape : new int[][] {{2, 2}, {2, 3}, {1, 8}}) {
      try (TextToImage textToImage = replicate(shape[0], shape[1])) {
        List<byte[]> many = draw(textToImage, eight());

        assertThat(many)
            .as("%d devices, %d each", shape[0], shape[1])
            .usingElementComparator(Arrays::compare)
            .containsExactlyElementsOf(one);
      }
    }
  }

  @Test
  void oneProgramServesAllStepCountsSchedulersAndGuidanceScales() throws Exception {
    try (TextToImage textToImage = replicate(1, 1);
        TextToImage onnx =
            replicate(
                TinyModels.torch(),
                Numerics.TORCH,
                TextToImageOptions.DEFAULTS.withEngine("OnnxRuntime").withCacheDirectory(cache))) {
      for (SchedulerKind scheduler : SchedulerKind.values()) {
        for (int steps : new int[] {1, 2, 7}) {
          for (float guidanceScale : new float[] {1.5f, 20}) {
            assertDrawsAlike(textToImage, onnx, scheduler, steps, guidanceScale);
          }
        }
      }
      assertThat(loads(textToImage)).isEqualTo(1);

      assertDrawsAlike(textToImage, onnx, SchedulerKind.PNDM, 3, 1);
      assertThat(loads(textToImage)).as("without guidance").isEqualTo(2);
      assertDrawsAlike(textToImage, onnx, SchedulerKind.PNDM, 130, 5);
      assertThat(loads(textToImage)).as("more than 127 calls").isEqualTo(3);
    }
  }

  private static void assertDrawsAlike(
      TextToImage textToImage,
      TextToImage other,
      SchedulerKind scheduler,
      int steps,
      float guidanceScale)
      throws InterruptedException {
    List<ImageRequest> requests =
        List.of(
            new ImageRequest(
                "a fox", "", PrngKey.ofSeed(1), 64, 64, scheduler, steps, guidanceScale));
    byte[] drawn = textToImage.generate(requests).get(0).rgb();
    byte[] expected = other.generate(requests).get(0).rgb();

    assertThat(largestDifference(drawn, expected))
        .as("%s, %d steps, guidance %s", scheduler, steps, guidanceScale)
        .isLessThanOrEqualTo(1);
  }

  /** Golden: what PyTorch's own bfloat16 arithmetic changes about the same two images. */
  @Test
  void bfloat16IsAsCloseToFloat32AsPyTorchs() throws Exception {
    JsonNode spread = Golden.json("tiny/bf16_probe.json").get("res");
    NpzArchive images = Golden.archive("flax/e2e_flax.npz");
    int compared = 0;
    try (TextToImage textToImage =
        replicate(
            TinyModels.flax(),
            Numerics.FLAX,
            PJRT.withDevices(2).withDataType(DataType.BFLOAT16))) {
      for (JsonNode c : Golden.json("flax/e2e_flax.json")) {
        JsonNode limits =
            spread.get(c.get("id").asText().substring(0, 2) + "_bf16weights_bf16math_vs_f32");
        if (c.get("id").asText().matches("p[01]_s0_g7.5")) {
          ImageRequest request =
              new ImageRequest(
                  c.get("prompt").asText(),
                  "",
                  PrngKey.ofSeed(0),
                  128,
                  128,
                  SchedulerKind.PNDM,
                  50,
                  7.5f);
          compared++;
          byte[] rounded = textToImage.generate(List.of(request)).get(0).rgb();
          byte[] exact = images.array(c.get("id").asText() + "/image_u8").bytes();

          assertThat(largestDifference(rounded, exact) / 255.0)
              .isBetween(2 / 255.0, limits.get(0).asDouble());
          assertThat(meanDifference(rounded, exact) / 255.0)
              .isLessThanOrEqualTo(limits.get(1).asDouble());
        }
      }
    }
    assertThat(compared).isEqualTo(2);
  }

  @Test
  void moreDevicesThanThereAreAreRefused() {
    assertThatThrownBy(() -> replicate(9, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("devices=9 were asked for, but engine PJRT has 8 of kind cpu here");
  }
}
