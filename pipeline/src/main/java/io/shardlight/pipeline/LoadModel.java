package io.shardlight.pipeline;

import io.shardlight.diffusion.DeviceKind;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.transforms.GeneratorFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Loads a checkpoint from a local directory and replicates it on a worker's devices.
 *
 * @param modelDirectory in diffusers' layout
 * @param engine name of a DJL engine
 * @param devices how many; 0 for all
 * @param deviceKind as {@link DeviceKind#optionName}; {@code any} for the engine's choice
 * @param numerics {@code torch} or {@code flax}
 * @param cacheDirectory where transformed weights are kept
 */
record LoadModel(
    String modelDirectory,
    String engine,
    int devices,
    String deviceKind,
    int batchPerDevice,
    String numerics,
    String cacheDirectory)
    implements GeneratorFactory {

  @Override
  public ImageGenerator create() throws IOException {
    StableDiffusion model =
        StableDiffusion.open(
            ModelDirectory.open(Path.of(modelDirectory)), Optional.of(parseNumerics(numerics)));
    return TextToImage.replicate(model, options());
  }

  TextToImageOptions options() {
    TextToImageOptions options =
        TextToImageOptions.DEFAULTS
            .withEngine(engine)
            .withBatchPerDevice(batchPerDevice)
            .withCacheDirectory(Path.of(cacheDirectory));
    if (devices > 0) {
      options = options.withDevices(devices);
    }
    return parseDeviceKind(deviceKind).map(options::withDeviceKind).orElse(options);
  }

  static String option(Numerics numerics) {
    return numerics == Numerics.FLAX ? "flax" : "torch";
  }

  static Numerics parseNumerics(String option) {
    return option.equals("flax") ? Numerics.FLAX : Numerics.TORCH;
  }

  /** Empty for {@code any}. */
  static Optional<DeviceKind> parseDeviceKind(String option) {
    for (DeviceKind kind : DeviceKind.values()) {
      if (kind.optionName().equals(option)) {
        return Optional.of(kind);
      }
    }
    return Optional.empty();
  }

  /** 0 for {@code auto}. */
  static int parseDevices(String option) {
    return option.equals("auto") ? 0 : Integer.parseInt(option);
  }
}
