package io.shardlight.prompts;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * A1111's names of the samplers that we have, with its aliases. Its PLMS is diffusers' PNDM without
 * the Runge-Kutta steps, as Stable Diffusion's checkpoints configure it.
 */
final class SamplerNames {
  /** The name shown, and our name of the scheduler. */
  private static final Map<String, String> SHOWN =
      Map.of(
          "PLMS", "pndm",
          "DDIM", "ddim",
          "LMS", "lms",
          "Euler", "euler",
          "Euler a", "euler_a",
          "DPM++ 2M", "dpmpp_2m",
          "DPM++ 2M Karras", "dpmpp_2m_karras");

  private static final Map<String, String> ALIASES =
      Map.of(
          "pndm", "pndm",
          "k_lms", "lms",
          "k_euler", "euler",
          "k_euler_a", "euler_a",
          "k_euler_ancestral", "euler_a",
          "k_dpmpp_2m", "dpmpp_2m",
          "k_dpmpp_2m_ka", "dpmpp_2m_karras");

  private static final NavigableMap<String, String> NAMES = names();

  private SamplerNames() {}

  /**
   * Our name of a sampler, the case of its own ignored.
   *
   * @throws IllegalArgumentException listing the samplers there are
   */
  static String scheduler(String sampler) {
    String scheduler = NAMES.get(sampler.strip());
    if (scheduler == null) {
      throw new IllegalArgumentException(
          "--sampler_name must be one of " + known() + ", but was \"" + sampler + "\"");
    }
    return scheduler;
  }

  private static NavigableMap<String, String> names() {
    NavigableMap<String, String> names = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    names.putAll(SHOWN);
    names.putAll(ALIASES);
    return Collections.unmodifiableNavigableMap(names);
  }

  private static List<String> known() {
    return SHOWN.keySet().stream().sorted().toList();
  }
}
