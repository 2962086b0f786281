package io.shardlight.diffusion;

import ai.djl.Device;
import java.util.Locale;

/** What sort of device generates. */
public enum DeviceKind {
  CPU,
  GPU,
  TPU;

  /** The word in options and manifests: {@code cpu}, {@code gpu}, {@code tpu}. */
  public String optionName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind of an engine's device; what is neither GPU nor TPU counts as a CPU. */
  public static DeviceKind of(Device device) {
    return device.isGpu()
        ? GPU
        : device.getDeviceType().toLowerCase(Locale.ROOT).startsWith("tpu") ? TPU : CPU;
  }
}
