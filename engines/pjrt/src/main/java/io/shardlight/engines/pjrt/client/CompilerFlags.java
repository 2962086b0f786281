package io.shardlight.engines.pjrt.client;

import java.util.LinkedHashMap;
import java.util.Map;

/** What XLA's compilers are told beyond their defaults. {@code XLA_FLAGS} has the last word. */
final class CompilerFlags {
  /**
   * Products of one tensor with several matrices stay apart. Merged, which is the default, the
   * matrices are copied together in every step and the results copied apart: SD v1-4 at a batch of
   * 8 then takes 1.18 times as long on an H200.
   */
  private static final Map<String, Long> CUDA = Map.of("xla_gpu_dot_merger_threshold_mb", 0L);

  private CompilerFlags() {}

  /**
   * @param platform as {@link PjrtClient#platformName} says
   */
  static Map<String, Long> forPlatform(String platform) {
    return forPlatform(platform, System.getenv().getOrDefault("XLA_FLAGS", ""));
  }

  static Map<String, Long> forPlatform(String platform, String environment) {
    Map<String, Long> flags = new LinkedHashMap<>(platform.equals("cuda") ? CUDA : Map.of());
    flags.keySet().removeIf(environment::contains);
    return flags;
  }
}
