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
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.FamilyCase;
import io.shardlight.lowerings.GoldenImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
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

  private static double meanDifference(byte[] first, byte[] second) {
    double sum = 0;
    for (int i = 0; i < first.length; i++) {
      sum += Math.abs((first[i] & 0xff) - (second[i] & 0xff));
    }
    return sum / first.length;
  }

  private static void assertDraws(TextToImage textToImage, List<GoldenImage> golden)
      throws InterruptedException {
    List<byte[]> drawn = draw(textToImage, golden.stream().map(GoldenImage::request).toList());

    assertThat(drawn).hasSameSizeAs(golden);
    for (int i = 0; i < drawn.size(); i++) {
      assertThat(Difference.ofLevels(drawn.get(i), golden.get(i).bytes().bytes()))
          .as("levels of %s", golden.get(i))
          .isLessThanOrEqualTo(1);
    }
  }

  @Test
  void drawsWhatThePyTorchPipelineDrewInOneBatchOfEight() throws Exception {
    try (TextToImage textToImage = replicate(8, 1)) {
      assertDraws(textToImage, GoldenImage.torch().subList(0, textToImage.slots()));
    }
  }

  /** Also ancestral ones, whose noise the device draws. */
  @Test
  void drawsWithEverySchedulerWhatThePyTorchPipelineDraws() throws Exception {
    Map<Map<String, String>, List<GoldenImage>> byConfig =
        GoldenImage.schedulers().stream()
            .collect(Collectors.groupingBy(GoldenImage::schedulerConfig));
    assertThat(byConfig).hasSize(2);
    for (Map.Entry<Map<String, String>, List<GoldenImage>> entry : byConfig.entrySet()) {
      Path model =
          TinyModels.torchWithScheduler(
              cache.resolve("model" + entry.getKey().size()), entry.getKey());
      try (TextToImage textToImage = replicate(model, Numerics.TORCH, PJRT.withDevices(1))) {
        assertDraws(textToImage, entry.getValue());
        assertThat(loads(textToImage)).as("with and without added noise").isEqualTo(2);
      }
    }
  }

  @Test
  void drawsOtherFamiliesLorasAndVaeAsThePyTorchPipelineDoes() throws Exception {
    // One of each; a program is compiled for each.
    List<String> chosen = List.of("sd2_pndm", "lora_two", "other_vae");
    List<FamilyCase> families =
        FamilyCase.epsilon().stream().filter(f -> chosen.contains(f.image().id())).toList();
    assertThat(families).hasSize(3);
    for (FamilyCase family : families) {
      StableDiffusion model =
          StableDiffusion.open(
              ModelDirectory.open(family.model()), Optional.empty(), family.additions());
      try (TextToImage textToImage = TextToImage.replicate(model, PJRT.withDevices(1))) {
        assertDraws(textToImage, List.of(family.image()));
      }
    }
  }

  @Test
  void drawsTheNotebooksEightImages() throws Exception {
    List<GoldenImage> golden =
        GoldenImage.flax().stream()
            .filter(g -> g.request().steps() == 50 && g.request().guidanceScale() == 7.5f)
            .toList();
    assertThat(golden).hasSizeGreaterThan(8);

    try (TextToImage textToImage =
        replicate(TinyModels.flax(), Numerics.FLAX, PJRT.withDevices(8))) {
      assertDraws(textToImage, golden);
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

  /** Also of batches that leave devices over: 8 images make batches of 3, 3 and 2. */
  @Test
  void imagesDoNotDependOnHowManyExecutablesThereAre() throws Exception {
    List<byte[]> together;
    try (TextToImage textToImage = replicate(3, 1)) {
      together = draw(textToImage, eight());
    }
    System.setProperty("shardlight.pjrt.replication", "APART");
    try (TextToImage textToImage = replicate(3, 1)) {
      assertThat(draw(textToImage, eight()))
          .usingElementComparator(Arrays::compare)
          .containsExactlyElementsOf(together);
    } finally {
      System.clearProperty("shardlight.pjrt.replication");
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

  /** What is added at every step comes from the image's key, not from the batch. */
  @Test
  void addedNoiseDoesNotDependOnDevicesOrTheirBatch() throws Exception {
    List<ImageRequest> eight = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      eight.add(
          new ImageRequest(
              "a fox", "", PrngKey.ofSeed(i), 64, 64, SchedulerKind.EULER_A, 4, 5 + i));
    }
    List<byte[]> one;
    try (TextToImage textToImage = replicate(1, 1)) {
      one = draw(textToImage, eight);
    }
    assertThat(one.stream().map(Arrays::hashCode).distinct()).hasSize(8);
    for (int[] shape : new int[][] {{8, 1}, {2, 3}}) {
      try (TextToImage textToImage = replicate(shape[0], shape[1])) {
        assertThat(draw(textToImage, eight))
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
      assertThat(loads(textToImage)).as("one, and one that adds noise").isEqualTo(2);

      assertDrawsAlike(textToImage, onnx, SchedulerKind.PNDM, 3, 1);
      assertThat(loads(textToImage)).as("without guidance").isEqualTo(3);
      assertDrawsAlike(textToImage, onnx, SchedulerKind.PNDM, 130, 5);
      assertThat(loads(textToImage)).as("more than 127 calls").isEqualTo(4);
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

    assertThat(Difference.ofLevels(drawn, expected))
        .as("%s, %d steps, guidance %s", scheduler, steps, guidanceScale)
        .isLessThanOrEqualTo(1);
  }

  /** Golden: what PyTorch's own bfloat16 arithmetic changes about the same two images. */
  @Test
  void bfloat16IsAsCloseToFloat32AsPyTorchs() throws Exception {
    JsonNode spread = Golden.json("tiny/bf16_probe.json").get("res");
    int compared = 0;
    try (TextToImage textToImage =
        replicate(
            TinyModels.flax(),
            Numerics.FLAX,
            PJRT.withDevices(2).withDataType(DataType.BFLOAT16))) {
      for (GoldenImage golden : GoldenImage.flax()) {
        if (golden.id().matches("p[01]_s0_g7.5")) {
          compared++;
          String probe = golden.id().substring(0, 2) + "_bf16weights_bf16math_vs_f32";
          JsonNode limits = spread.get(probe);
          byte[] rounded = textToImage.generate(List.of(golden.request())).get(0).rgb();
          byte[] exact = golden.bytes().bytes();

          assertThat(Difference.ofLevels(rounded, exact) / 255.0)
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
