package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextToImageTest {
  @TempDir Path cache;

  private static ImageRequest request(String prompt, int seed, float guidanceScale) {
    return new ImageRequest(
        prompt, "", PrngKey.ofSeed(seed), 64, 64, SchedulerKind.PNDM, 2, guidanceScale);
  }

  private TextToImage replicate(int devices, int batchPerDevice) throws IOException {
    return TextToImage.replicate(
        StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty()),
        TextToImageOptions.DEFAULTS
            .withCacheDirectory(cache)
            .withDevices(devices)
            .withBatchPerDevice(batchPerDevice));
  }

  @Test
  void encodesThePromptsOnceAndTheUnconditionalOnceARun() throws IOException {
    try (TextToImage textToImage = replicate(4, 2)) {
      List<ImageRequest> batch =
          IntStream.range(0, 8).mapToObj(i -> request("prompt " + i % 2, i, 7.5f)).toList();
      textToImage.generate(batch);
      textToImage.generate(batch);
      assertThat(textToImage.promptEncoder().runs()).as("two prompts and \"\"").isEqualTo(3);
    }
  }

  @Test
  void guidanceOfOneNeverRunsTheUnconditionalHalf() throws IOException {
    try (TextToImage textToImage = replicate(1, 1)) {
      textToImage.generate(List.of(request("a prompt", 0, 1)));
      assertThat(textToImage.promptEncoder().runs()).isEqualTo(1);
      assertThat(textToImage.programs().loads()).as("text encoder, UNet, VAE").isEqualTo(3);
    }
  }

  @Test
  void virtualDevicesShareOneSetOfWeights() throws IOException {
    try (TextToImage textToImage = replicate(8, 1)) {
      assertThat(textToImage.slots()).isEqualTo(8);
      textToImage.generate(
          IntStream.range(0, 8).mapToObj(i -> request("a prompt", i, 7.5f)).toList());
      assertThat(textToImage.programs().loads()).isEqualTo(3);
    }
  }

  @Test
  void imagesComeInTheOrderOfTheirRequests() throws IOException {
    try (TextToImage one = replicate(1, 1);
        TextToImage many = replicate(3, 2)) {
      List<ImageRequest> requests =
          IntStream.range(0, 5).mapToObj(i -> request("a prompt", i, 7.5f)).toList();
      List<GeneratedImage> together = many.generate(requests);
      assertThat(together).hasSize(5);
      for (int i = 0; i < requests.size(); i++) {
        byte[] alone = one.generate(List.of(requests.get(i))).get(0).rgb();
        assertThat(together.get(i).rgb()).isEqualTo(alone);
      }
      assertThat(together.get(0).rgb()).isNotEqualTo(together.get(1).rgb());
    }
  }

  @Test
  void deviceKindsThatAreNotThereAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TextToImage.replicate(
                    StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty()),
                    TextToImageOptions.DEFAULTS.withDeviceKind(DeviceKind.TPU)))
        .withMessageContaining("deviceKind=tpu")
        .withMessageContaining("OnnxRuntime")
        .withMessageContaining("[cpu]");
  }

  @Test
  void unknownEnginesAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                TextToImage.replicate(
                    StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty()),
                    TextToImageOptions.DEFAULTS.withEngine("Abacus")))
        .withMessageContaining("Abacus")
        .withMessageContaining("OnnxRuntime");
  }
}
