package io.shardlight.engines.pjrt.client;

import java.util.Map;

/** Options with which to create clients. Plugins refuse options that they do not know. */
public final class PjrtClientOptions {
  private PjrtClientOptions() {}

  /**
   * What to pass for a plugin's platform. That is known only once there is a client, so it is read
   * off the library's name: {@code xla_cuda_plugin.so} is NVIDIA's. A TPU, and whatever else, gets
   * no options: a TPU is configured through the environment.
   *
   * <p>On a GPU memory is not reserved in advance (by itself, a client takes three quarters of the
   * device), and grows to the given fraction at most.
   *
   * @param memoryFraction of a GPU's memory, in (0, 1]
   */
  public static Map<String, Object> forPlugin(PjrtPlugin plugin, float memoryFraction) {
    if (!(memoryFraction > 0 && memoryFraction <= 1)) {
      throw new IllegalArgumentException(
          "memoryFraction must be in (0, 1], but was " + memoryFraction);
    }
    return NvidiaLibraries.isPlugin(plugin.library())
        ? Map.of("preallocate", false, "memory_fraction", memoryFraction)
        : Map.of();
  }
}
