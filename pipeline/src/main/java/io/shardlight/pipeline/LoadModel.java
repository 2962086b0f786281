package io.shardlight.pipeline;

import ai.djl.ndarray.types.DataType;
import io.shardlight.data.ObjectStore;
import io.shardlight.diffusion.DeviceKind;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.models.StoredPrograms;
import io.shardlight.transforms.GeneratorFactory;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/**
 * Loads a checkpoint from a local directory and replicates it on a worker's devices. A worker on
 * another machine copies the demo model out for itself, and fetches one from a bucket or the Hub.
 *
 * @param modelDirectory in diffusers' layout
 * @param demo whether it is the demo model's
 * @param engine name of a DJL engine
 * @param devices how many; 0 for all
 * @param deviceKind as {@link DeviceKind#optionName}; {@code any} for the engine's choice
 * @param numerics {@code torch} or {@code flax}
 * @param cacheDirectory where transformed weights are kept
 * @param dtype {@code float32}, {@code bfloat16} or {@code float16}; {@link #BEST} for the device's
 *     best
 * @param safety whether its safety checker is to look at the images
 * @param plugin path of the library of engine PJRT; empty for the one that the environment names
 * @param additions LoRAs and another VAE
 * @param compileCache where machines share compiled programs; empty for nowhere
 * @param source where a worker gets the model if it is not on its disk
 */
record LoadModel(
    String modelDirectory,
    boolean demo,
    String engine,
    int devices,
    String deviceKind,
    int batchPerDevice,
    String numerics,
    String cacheDirectory,
    String dtype,
    boolean safety,
    String plugin,
    Additions additions,
    String compileCache,
    ModelSource source)
    implements GeneratorFactory {
  static final String BEST = "";

  /** The same, with what was chosen for it: workers are not to choose anew. */
  LoadModel resolved(String engineName, DeviceKind kind, String type) {
    return new LoadModel(
        modelDirectory,
        demo,
        engineName,
        devices,
        kind.optionName(),
        batchPerDevice,
        numerics,
        cacheDirectory,
        type,
        safety,
        plugin,
        additions,
        compileCache,
        source);
  }

  @Override
  public ImageGenerator create() throws IOException {
    return on(PipelineOptionsFactory.create()).create();
  }

  @Override
  public GeneratorFactory on(PipelineOptions options) {
    return () -> create(new ModelFetch(System.getenv(), () -> options));
  }

  /**
   * @param fetch has the environment of the worker, which says where it keeps its cache
   */
  ImageGenerator create(ModelFetch fetch) throws IOException {
    Map<String, String> environment = fetch.environment();
    Path folder = Path.of(modelDirectory);
    Path cache = Path.of(cacheDirectory);
    if (source.isRemote()) {
      // A folder that is there may be one that somebody is about to fill.
      if (!holds(folder, environment)) {
        folder = fetch.toWorker(source);
        requireSame(sha256(folder, environment));
      }
      cache = CacheDirectory.forModel(folder, environment);
    } else if (!Files.isDirectory(folder)) {
      if (!demo) {
        throw new FileNotFoundException(
            "model "
                + folder
                + " must be on every machine of the job, but is not on "
                + InetAddress.getLocalHost().getHostName()
                + "; put it on a disk that all of them share, or copy it to the same path on each");
      }
      folder = DemoModel.extract(CacheDirectory.of(environment));
      cache = CacheDirectory.forModel(folder, environment);
    } else if (!Files.isDirectory(cache)) {
      cache = CacheDirectory.forModel(folder, environment);
    }
    cache = CacheDirectory.create(cache);
    StableDiffusion model =
        StableDiffusion.open(
            ModelDirectory.open(folder),
            Optional.of(parseNumerics(numerics)),
            additions.openSame(cache));
    if (safety) {
      model = model.withSafetyChecker();
    }
    TextToImageOptions options = options().withCacheDirectory(cache);
    if (!compileCache.isEmpty()) {
      options =
          options.withPrograms(
              new StoredPrograms(ObjectStore.open(compileCache, fetch.options().get())));
    }
    return TextToImage.replicate(model, options);
  }

  /** Whether a folder has the model that the job was checked with. */
  private boolean holds(Path folder, Map<String, String> environment) {
    try {
      return Files.isDirectory(folder) && sha256(folder, environment).equals(source.sha256());
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  private static String sha256(Path folder, Map<String, String> environment) throws IOException {
    return ModelDirectory.open(folder)
        .sha256(CacheDirectory.create(CacheDirectory.forModel(folder, environment)));
  }

  private void requireSame(String found) throws IOException {
    if (!found.equals(source.sha256())) {
      throw new IOException(
          "%s must be the model that the job was checked with, SHA-256 %s, but is now one with %s; run the command again"
              .formatted(source.location(), source.sha256(), found));
    }
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
    if (!dtype.equals(BEST)) {
      options = options.withDataType(DataType.valueOf(dtype.toUpperCase(Locale.ROOT)));
    }
    if (!plugin.isEmpty()) {
      options = options.withPlugin(Path.of(plugin));
    }
    return parseDeviceKind(deviceKind).map(options::withDeviceKind).orElse(options);
  }

  static String option(DataType dataType) {
    return dataType.name().toLowerCase(Locale.ROOT);
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
