package io.shardlight.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Lowering;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * Stable Diffusion on the devices of this machine: weights replicated, batches sharded. The same
 * request gives the same bytes for any number of devices and any place in a batch.
 *
 * <pre>{@code
 * StableDiffusion model = StableDiffusion.open(ModelDirectory.open(folder), Optional.empty());
 * try (TextToImage textToImage = TextToImage.replicate(model, TextToImageOptions.DEFAULTS)) {
 *   List<GeneratedImage> images = textToImage.generate(List.of(request));
 * }
 * }</pre>
 */
public final class TextToImage implements ImageGenerator {
  private final BatchRunner runner;
  private final String engineName;
  private final DeviceKind deviceKind;
  private final DataType dataType;
  private final int devices;
  private final int batchPerDevice;

  private TextToImage(
      BatchRunner runner,
      String engineName,
      DeviceKind deviceKind,
      DataType dataType,
      TextToImageOptions options) {
    this.runner = runner;
    this.engineName = engineName;
    this.deviceKind = deviceKind;
    this.dataType = dataType;
    this.devices = options.devices().orElse(runner.devices());
    this.batchPerDevice = options.batchPerDevice();
  }

  /**
   * Puts a model on devices. Programs are compiled when the first image of a size asks for them.
   *
   * @throws IllegalArgumentException if the engine is unknown or the devices asked for aren't there
   */
  public static TextToImage replicate(StableDiffusion model, TextToImageOptions options) {
    Lowering lowering = Lowerings.find(options.engine(), options.plugin());
    List<Device> all = List.of(lowering.engine(options.plugin()).getDevices());
    List<DeviceKind> kinds = kinds(lowering, all);
    DeviceKind kind = options.deviceKind().orElse(kinds.get(0));
    if (!kinds.contains(kind)) {
      throw new IllegalArgumentException(
          "deviceKind="
              + kind.optionName()
              + " was asked for, but engine "
              + lowering.engineName()
              + " has none here, only "
              + kinds.stream().map(DeviceKind::optionName).toList()
              + "; run on a machine that has one, or ask for one of these");
    }
    DataType dataType = options.dataType().orElse(best(kind, lowering));
    if (!lowering.dataTypes().contains(dataType)) {
      throw new IllegalArgumentException(
          "dataType was "
              + dataType
              + ", but engine "
              + lowering.engineName()
              + " computes in "
              + lowering.dataTypes());
    }
    return new TextToImage(
        runner(model, lowering, all, kind, dataType, options),
        lowering.engineName(),
        kind,
        dataType,
        options);
  }

  /**
   * Engines that run single networks do so on the CPU as well, which DJL does not list with GPUs.
   */
  static List<DeviceKind> kinds(Lowering lowering, List<Device> devices) {
    Stream<DeviceKind> listed = devices.stream().map(DeviceKind::of);
    return (lowering.replicates() ? listed : Stream.concat(listed, Stream.of(DeviceKind.CPU)))
        .distinct()
        .toList();
  }

  private static BatchRunner runner(
      StableDiffusion model,
      Lowering lowering,
      List<Device> all,
      DeviceKind kind,
      DataType dataType,
      TextToImageOptions options) {
    if (!lowering.replicates() && kind == DeviceKind.CPU) {
      return new VirtualDevices(model, lowering, options.withDataType(dataType));
    }
    List<Device> devices = ofKind(all, kind, lowering, options.devices());
    return lowering.replicates()
        ? replicated(model, lowering, devices, dataType, options)
        : new GpuSessions(model, lowering, devices, dataType, options);
  }

  private static BatchRunner replicated(
      StableDiffusion model,
      Lowering lowering,
      List<Device> devices,
      DataType dataType,
      TextToImageOptions options) {
    return new ReplicatedDevices(
        model,
        lowering.replicate(
            model.weights(), devices, dataType, options.cacheDirectory(), options.programs()),
        devices.size());
  }

  /**
   * What UNet and decoder compute in on such devices unless something else is asked for: of
   * accelerators the half precision that the engine has; bfloat16 is the original program's.
   */
  public static DataType best(DeviceKind kind, Lowering lowering) {
    return kind == DeviceKind.CPU
        ? DataType.FLOAT32
        : lowering.dataTypes().contains(DataType.BFLOAT16) ? DataType.BFLOAT16 : DataType.FLOAT16;
  }

  /** The first devices of a kind, all unless a count is asked for. */
  private static List<Device> ofKind(
      List<Device> all, DeviceKind kind, Lowering lowering, OptionalInt count) {
    List<Device> there = all.stream().filter(device -> DeviceKind.of(device) == kind).toList();
    int wanted = count.orElse(there.size());
    if (wanted > there.size()) {
      throw new IllegalArgumentException(
          "devices="
              + wanted
              + " were asked for, but engine "
              + lowering.engineName()
              + " has "
              + there.size()
              + " of kind "
              + kind.optionName()
              + " here; ask for as many, or for auto");
    }
    return there.subList(0, wanted);
  }

  /** The name of the engine that runs the programs. */
  public String engineName() {
    return engineName;
  }

  public DeviceKind deviceKind() {
    return deviceKind;
  }

  /** What UNet and decoder compute in. */
  public DataType dataType() {
    return dataType;
  }

  public int devices() {
    return devices;
  }

  @Override
  public int slots() {
    return devices * batchPerDevice;
  }

  @Override
  public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
      throws InterruptedException {
    if (slots < 1 || slots > slots() || requests.size() > slots) {
      throw new IllegalArgumentException(
          "a call takes 1 to "
              + slots()
              + " slots and no more requests than these, but got "
              + slots
              + " slots and "
              + requests.size()
              + " requests");
    }
    // As many a device as these slots need, which is what a device's memory has to take.
    return runner.run(ShardedBatch.shard(requests, devices, (slots + devices - 1) / devices));
  }

  BatchRunner runner() {
    return runner;
  }

  @Override
  public void close() {
    runner.close();
  }
}
