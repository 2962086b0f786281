package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextToImageTest {
  @TempDir Path cache;

  private static ImageRequest request(String prompt, int seed, float guidanceScale) {
    return new ImageRequest(
        prompt, "", PrngKey.ofSeed(seed), 64, 64, SchedulerKind.PNDM, 2, guidanceScale);
  }

  private static VirtualDevices lanes(TextToImage textToImage) {
    return (VirtualDevices) textToImage.runner();
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
  void encodesThePromptsOnceAndTheUnconditionalOnceARun() throws Exception {
    try (TextToImage textToImage = replicate(4, 2)) {
      List<ImageRequest> batch =
          IntStream.range(0, 8).mapToObj(i -> request("prompt " + i % 2, i, 7.5f)).toList();
      textToImage.generate(batch);
      textToImage.generate(batch);
      assertThat(lanes(textToImage).promptEncoder().runs()).as("two prompts and \"\"").isEqualTo(3);
    }
  }

  @Test
  void guidanceOfOneNeverRunsTheUnconditionalHalf() throws Exception {
    try (TextToImage textToImage = replicate(1, 1)) {
      textToImage.generate(List.of(request("a prompt", 0, 1)));
      assertThat(lanes(textToImage).promptEncoder().runs()).isEqualTo(1);
      assertThat(lanes(textToImage).programs().loads()).as("text encoder, UNet, VAE").isEqualTo(3);
    }
  }

  /** One program more, for all sizes; the pixels are what they are without it. */
  @Test
  void theSafetyCheckerLooksAtEveryImageOnlyIfAskedFor() throws Exception {
    List<ImageRequest> batch =
        List.of(request("a prompt", 0, 1), request("another", 1, 1), request("a third", 2, 1));
    List<GeneratedImage> plain;
    try (TextToImage textToImage = replicate(1, 3)) {
      plain = textToImage.generate(batch);
      assertThat(plain).allMatch(image -> image.safetyScore().isEmpty());
    }
    StableDiffusion model =
        StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty());
    TextToImageOptions options = TextToImageOptions.DEFAULTS.withCacheDirectory(cache);
    try (TextToImage textToImage =
        TextToImage.replicate(
            model.withSafetyChecker(), options.withDevices(2).withBatchPerDevice(2))) {
      List<GeneratedImage> checked = textToImage.generate(batch);
      assertThat(lanes(textToImage).programs().loads())
          .as("text encoder, UNet, VAE, safety checker")
          .isEqualTo(4);
      for (int i = 0; i < batch.size(); i++) {
        assertThat(checked.get(i).rgb()).isEqualTo(plain.get(i).rgb());
        assertThat(checked.get(i).safetyScore())
            .isPresent()
            .isEqualTo(textToImage.generate(List.of(batch.get(i))).get(0).safetyScore());
      }
      textToImage.generate(List.of(request(72)));
      assertThat(lanes(textToImage).programs().loads()).as("UNet and VAE").isEqualTo(6);
    }
  }

  @Test
  void virtualDevicesShareOneSetOfWeights() throws Exception {
    try (TextToImage textToImage = replicate(8, 1)) {
      assertThat(textToImage.slots()).isEqualTo(8);
      textToImage.generate(
          IntStream.range(0, 8).mapToObj(i -> request("a prompt", i, 7.5f)).toList());
      assertThat(lanes(textToImage).programs().loads()).isEqualTo(3);
    }
  }

  @Test
  void imagesComeInTheOrderOfTheirRequests() throws Exception {
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

  /** What large models do for their memory's sake. */
  @Test
  void networksThatTakeTurnsDrawTheSame() throws Exception {
    StableDiffusion model =
        StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty());
    List<ImageRequest> requests =
        IntStream.range(0, 3).mapToObj(i -> request("prompt " + i % 2, i, 7.5f)).toList();
    TextToImageOptions options = TextToImageOptions.DEFAULTS.withCacheDirectory(cache);
    CountingLowering counted =
        new CountingLowering(Lowerings.find("OnnxRuntime", Optional.empty()));
    try (VirtualDevices together =
            new VirtualDevices(
                model, Lowerings.find("OnnxRuntime", Optional.empty()), options, false);
        VirtualDevices inTurns = new VirtualDevices(model, counted, options, true)) {
      List<GeneratedImage> expected = together.run(ShardedBatch.shard(requests, 3, 1));
      for (int i = 0; i < 2; i++) {
        List<GeneratedImage> drawn = inTurns.run(ShardedBatch.shard(requests, 3, 1));

        assertThat(drawn)
            .usingElementComparator((a, b) -> Arrays.compare(a.rgb(), b.rgb()))
            .containsExactlyElementsOf(expected);
      }
      assertThat(counted.mostAtOnce()).isEqualTo(1);
      // The second time, the prompts' embeddings are still there.
      assertThat(inTurns.programs().loads()).isEqualTo(5);
      assertThat(inTurns.programs().resident()).isEmpty();
      assertThat(together.programs().resident()).hasSize(3);
    }
  }

  /** More than embeddings are usually kept of. */
  @Test
  void networksTakeTurnsForManyPromptsToo() throws Exception {
    StableDiffusion model =
        StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty());
    List<ImageRequest> requests =
        IntStream.range(0, 70)
            .mapToObj(
                i ->
                    new ImageRequest(
                        "prompt " + i, "", PrngKey.ofSeed(i), 16, 16, SchedulerKind.DDIM, 1, 1))
            .toList();
    CountingLowering counted =
        new CountingLowering(Lowerings.find("OnnxRuntime", Optional.empty()));
    try (VirtualDevices inTurns =
        new VirtualDevices(
            model, counted, TextToImageOptions.DEFAULTS.withCacheDirectory(cache), true)) {
      assertThat(inTurns.run(ShardedBatch.shard(requests, 70, 1))).hasSize(70);
      assertThat(counted.mostAtOnce()).isEqualTo(1);
      assertThat(inTurns.promptEncoder().runs()).isEqualTo(70);
    }
  }

  @Test
  void imagesAreTheSameInSmallerBatches() throws Exception {
    try (TextToImage textToImage = replicate(2, 3)) {
      List<ImageRequest> requests =
          IntStream.range(0, 3).mapToObj(i -> request("a prompt", i, 7.5f)).toList();
      List<GeneratedImage> whole = textToImage.generate(requests);
      List<GeneratedImage> small = textToImage.generate(requests, 3);
      for (int i = 0; i < requests.size(); i++) {
        assertThat(small.get(i).rgb()).isEqualTo(whole.get(i).rgb());
      }
      assertThatIllegalArgumentException()
          .isThrownBy(() -> textToImage.generate(requests, 2))
          .withMessageContaining("2 slots and 3 requests");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> textToImage.generate(requests, 7))
          .withMessageContaining("1 to 6 slots");
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

  /** What a cancelled job does: the devices must be at rest before the weights are let go. */
  @Test
  void anInterruptedBatchEndsBeforeTheDevicesAreClosed() throws Exception {
    TextToImage textToImage = replicate(4, 1);
    List<ImageRequest> batch =
        IntStream.range(0, 4)
            .mapToObj(
                i ->
                    new ImageRequest(
                        "a prompt", "", PrngKey.ofSeed(i), 128, 128, SchedulerKind.DDIM, 999, 7.5f))
            .toList();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread job =
        new Thread(
            () -> {
              try {
                textToImage.generate(batch);
              } catch (Throwable e) {
                thrown.set(e);
              }
            });
    job.start();
    while (job.isAlive() && lanes(textToImage).programs().loads() < 2) {
      Thread.onSpinWait();
    }
    job.interrupt();
    job.join();
    textToImage.close();
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertThatIllegalStateException()
        .isThrownBy(() -> lanes(textToImage).programs().textEncoder())
        .withMessageContaining("closed");
  }

  /** Images above 256x256 are drawn one after the other, each on all cores. */
  @Test
  void aLargeImageIsTheSameAloneAndInABatch() throws Exception {
    List<ImageRequest> batch =
        IntStream.range(0, 2)
            .mapToObj(
                i ->
                    new ImageRequest(
                        "a prompt", "", PrngKey.ofSeed(i), 264, 272, SchedulerKind.DDIM, 1, 7.5f))
            .toList();
    try (TextToImage one = replicate(1, 1);
        TextToImage many = replicate(1, 3)) {
      List<GeneratedImage> together = many.generate(batch);
      for (int i = 0; i < batch.size(); i++) {
        assertThat(together.get(i).rgb())
            .isEqualTo(one.generate(List.of(batch.get(i))).get(0).rgb());
      }
    }
  }

  @Test
  void programsOfSizesLongUnusedMakeRoomAndComeBack() throws Exception {
    try (TextToImage textToImage = replicate(1, 1)) {
      byte[] first = textToImage.generate(List.of(request(64))).get(0).rgb();
      for (int width = 72; width <= 104; width += 8) {
        textToImage.generate(List.of(request(width)));
      }
      assertThat(lanes(textToImage).programs().loads())
          .as("text encoder, 6 UNets, 6 VAEs")
          .isEqualTo(13);
      assertThat(textToImage.generate(List.of(request(64))).get(0).rgb()).isEqualTo(first);
      assertThat(lanes(textToImage).programs().loads()).as("UNet and VAE again").isEqualTo(15);
    }
  }

  private static ImageRequest request(int widthPixels) {
    return new ImageRequest(
        "a prompt", "", PrngKey.ofSeed(0), widthPixels, 64, SchedulerKind.DDIM, 1, 1);
  }

  @Test
  void longPromptsAreSaidToBeTruncated() throws Exception {
    try (TextToImage textToImage = replicate(1, 1)) {
      assertThat(textToImage.generate(List.of(request("a prompt", 0, 1))).get(0).promptTruncated())
          .isFalse();
      String longPrompt = "a very long prompt ".repeat(80);
      assertThat(textToImage.generate(List.of(request(longPrompt, 0, 1))).get(0).promptTruncated())
          .isTrue();
    }
  }

  @Test
  void theSameImageComesFromThePlainLowering() throws Exception {
    StableDiffusion model =
        StableDiffusion.open(ModelDirectory.open(TinyModels.torch()), Optional.empty());
    TextToImageOptions options = TextToImageOptions.DEFAULTS.withCacheDirectory(cache);
    try (TextToImage fused = TextToImage.replicate(model, options);
        TextToImage plain = TextToImage.replicate(model, options.withFusions(false))) {
      byte[] expected = fused.generate(List.of(request("a prompt", 0, 7.5f))).get(0).rgb();
      byte[] actual = plain.generate(List.of(request("a prompt", 0, 7.5f))).get(0).rgb();
      for (int i = 0; i < expected.length; i++) {
        assertThat(Math.abs((actual[i] & 0xff) - (expected[i] & 0xff))).isLessThanOrEqualTo(1);
      }
    }
  }
}
