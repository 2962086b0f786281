package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.GoldenImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The golden images of the tiny models, drawn by engine PJRT on the devices of this machine: in
 * float32 as diffusers drew them, in bfloat16 within what PyTorch's own bfloat16 changes, and the
 * same bytes for any batch. Prints one JSON object.
 */
public final class GoldenOnDevices {
  private static final int LEVELS = 1;

  /** Enough for differences between kernels to be seen. */
  private static final int BATCH_STEPS = 8;

  private final ObjectNode report = new ObjectMapper().createObjectNode();
  private final TextToImageOptions options;
  private final int most;
  private boolean passes = true;

  private GoldenOnDevices(TextToImageOptions options, int most) {
    this.options = options;
    this.most = most;
  }

  /** Exits with 0 if all images are as they should be, else with 1. The argument is a plugin. */
  public static void main(String[] args) throws Exception {
    TextToImageOptions options = TextToImageOptions.DEFAULTS.withEngine(PjrtEngine.NAME);
    if (args.length > 0) {
      options = options.withPlugin(Path.of(args[0]));
    }
    ObjectNode report = run(options, Integer.MAX_VALUE);
    System.out.println(report.toPrettyString());
    System.exit(report.get("passes").booleanValue() ? 0 : 1);
  }

  /**
   * @param most images of each kind, and largest batch, at least 2
   */
  static ObjectNode run(TextToImageOptions options, int most)
      throws IOException, InterruptedException {
    GoldenOnDevices check = new GoldenOnDevices(options, most);
    check.float32("torch", TinyModels.torch(), Numerics.TORCH, GoldenImage.torch());
    check.float32("flax", TinyModels.flax(), Numerics.FLAX, GoldenImage.flax());
    check.bfloat16();
    check.batches();
    check.report.put("passes", check.passes);
    return check.report;
  }

  /** Tells at once, as what follows may fail for another reason, or take long. */
  private static void tell(String name, ObjectNode figures) {
    System.err.println(name + ": " + figures);
  }

  private TextToImage replicate(Path folder, Numerics numerics, DataType dataType, int batch)
      throws IOException {
    return TextToImage.replicate(
        StableDiffusion.open(ModelDirectory.open(folder), Optional.of(numerics)),
        options.withDataType(dataType).withDevices(1).withBatchPerDevice(batch));
  }

  private void float32(String name, Path folder, Numerics numerics, List<GoldenImage> golden)
      throws IOException, InterruptedException {
    ObjectNode levels = report.putObject(name + "Float32Levels");
    try (TextToImage textToImage = replicate(folder, numerics, DataType.FLOAT32, 1)) {
      for (GoldenImage image : golden.stream().limit(most).toList()) {
        byte[] drawn = textToImage.generate(List.of(image.request())).get(0).rgb();
        int difference = Difference.ofLevels(drawn, image.bytes().bytes());
        levels.put(image.id(), difference);
        passes &= difference <= LEVELS;
      }
    }
    tell(name + " float32, levels", levels);
  }

  /** Beside what PyTorch's own bfloat16 arithmetic changes about the same two images. */
  private void bfloat16() throws IOException, InterruptedException {
    ObjectNode figures = report.putObject("flaxBfloat16");
    JsonNode spread = Golden.json("tiny/bf16_probe.json").get("res");
    try (TextToImage textToImage =
        replicate(TinyModels.flax(), Numerics.FLAX, DataType.BFLOAT16, 1)) {
      for (GoldenImage image : GoldenImage.flax()) {
        if (image.id().matches("p[01]_s0_g7.5") && figures.size() < most) {
          byte[] drawn = textToImage.generate(List.of(image.request())).get(0).rgb();
          double largest = Difference.ofLevels(drawn, image.bytes().bytes()) / 255.0;
          double limit =
              spread
                  .get(image.id().substring(0, 2) + "_bf16weights_bf16math_vs_f32")
                  .get(0)
                  .asDouble();
          figures.putObject(image.id()).put("largest", largest).put("torchs", limit);
          passes &= largest <= limit;
        }
      }
    }
    tell("flax bfloat16", figures);
  }

  /** How far images of other batches are from those drawn alone; other kernels may run there. */
  private void batches() throws IOException, InterruptedException {
    ObjectNode levels = report.putObject("batchLevels");
    List<ImageRequest> requests = new ArrayList<>();
    for (int i = 0; i < Math.min(8, most); i++) {
      requests.add(
          new ImageRequest(
              "a fox in the snow, number " + i,
              "",
              PrngKey.ofSeed(i),
              128,
              128,
              SchedulerKind.PNDM,
              BATCH_STEPS,
              7.5f));
    }
    int[] batches = Arrays.stream(new int[] {2, 4, 8}).filter(b -> b <= most).toArray();
    for (DataType dataType : List.of(DataType.FLOAT32, DataType.BFLOAT16)) {
      try (TextToImage textToImage =
          replicate(TinyModels.torch(), Numerics.TORCH, dataType, requests.size())) {
        List<byte[]> alone = draw(textToImage, requests, 1);
        for (int batch : batches) {
          List<byte[]> together = draw(textToImage, requests, batch);
          int worst = 0;
          for (int i = 0; i < alone.size(); i++) {
            worst = Math.max(worst, Difference.ofLevels(alone.get(i), together.get(i)));
          }
          levels.put(dataType + " batch " + batch, worst);
          boolean again =
              Arrays.deepEquals(together.toArray(), draw(textToImage, requests, batch).toArray());
          levels.put(dataType + " batch " + batch + " is the same again", again);
          passes &= again;
        }
      }
      tell("batches of " + dataType, levels);
    }
  }

  private static List<byte[]> draw(TextToImage textToImage, List<ImageRequest> requests, int batch)
      throws InterruptedException {
    List<byte[]> images = new ArrayList<>();
    for (int start = 0; start < requests.size(); start += batch) {
      List<ImageRequest> some = requests.subList(start, Math.min(requests.size(), start + batch));
      for (GeneratedImage image : textToImage.generate(some, batch)) {
        images.add(image.rgb());
      }
    }
    return images;
  }
}
