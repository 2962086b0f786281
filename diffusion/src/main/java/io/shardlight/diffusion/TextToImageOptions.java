package io.shardlight.diffusion;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.ProgramStore;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where and how a model runs; nothing but {@code dataType} changes what is drawn, beyond rounding.
 *
 * @param engine {@code auto}, or the name of a DJL engine that has a lowering: {@code OnnxRuntime},
 *     {@code PJRT}
 * @param devices how many devices; empty for all there are
 * @param deviceKind the kind the devices must be; empty for any
 * @param batchPerDevice images per device and call, at least 1
 * @param cacheDirectory where transformed weights and compiled programs are kept; empty for {@code
 *     .shardlight} in the model's folder, and for no compiled programs
 * @param fusions false for the plain lowering, operation by operation, to compare with
 * @param dataType of UNet and decoder, one of {@link
 *     io.shardlight.diffusion.graph.Lowering#dataTypes}; empty for the device's best
 * @param plugin the library through which the engine reaches its devices, where that is to choose;
 *     empty for what the environment names
 * @param programs where machines share compiled programs; empty for this machine's own alone
 */
public record TextToImageOptions(
    String engine,
    OptionalInt devices,
    Optional<DeviceKind> deviceKind,
    int batchPerDevice,
    Optional<Path> cacheDirectory,
    boolean fusions,
    Optional<DataType> dataType,
    Optional<Path> plugin,
    Optional<ProgramStore> programs) {
  /** All devices of the best engine, one image each. */
  public static final TextToImageOptions DEFAULTS =
      new TextToImageOptions(
          "auto",
          OptionalInt.empty(),
          Optional.empty(),
          1,
          Optional.empty(),
          true,
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  public TextToImageOptions {
    if (devices.isPresent() && devices.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "devices must be at least 1, but was " + devices.getAsInt());
    }
    if (batchPerDevice < 1) {
      throw new IllegalArgumentException(
          "batchPerDevice must be at least 1, but was " + batchPerDevice);
    }
  }

  public TextToImageOptions withEngine(String value) {
    return new TextToImageOptions(
        value,
        devices,
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        fusions,
        dataType,
        plugin,
        programs);
  }

  public TextToImageOptions withDevices(int value) {
    return new TextToImageOptions(
        engine,
        OptionalInt.of(value),
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        fusions,
        dataType,
        plugin,
        programs);
  }

  public TextToImageOptions withDeviceKind(DeviceKind value) {
    return new TextToImageOptions(
        engine,
        devices,
        Optional.of(value),
        batchPerDevice,
        cacheDirectory,
        fusions,
        dataType,
        plugin,
        programs);
  }

  public TextToImageOptions withBatchPerDevice(int value) {
    return new TextToImageOptions(
        engine, devices, deviceKind, value, cacheDirectory, fusions, dataType, plugin, programs);
  }

  public TextToImageOptions withCacheDirectory(Path value) {
    return new TextToImageOptions(
        engine,
        devices,
        deviceKind,
        batchPerDevice,
        Optional.of(value),
        fusions,
        dataType,
        plugin,
        programs);
  }

  public TextToImageOptions withFusions(boolean value) {
    return new TextToImageOptions(
        engine,
        devices,
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        value,
        dataType,
        plugin,
        programs);
  }

  public TextToImageOptions withDataType(DataType value) {
    return new TextToImageOptions(
        engine,
        devices,
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        fusions,
        Optional.of(value),
        plugin,
        programs);
  }

  public TextToImageOptions withPlugin(Path value) {
    return new TextToImageOptions(
        engine,
        devices,
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        fusions,
        dataType,
        Optional.of(value),
        programs);
  }

  public TextToImageOptions withPrograms(ProgramStore value) {
    return new TextToImageOptions(
        engine,
        devices,
        deviceKind,
        batchPerDevice,
        cacheDirectory,
        fusions,
        dataType,
        plugin,
        Optional.of(value));
  }
}
