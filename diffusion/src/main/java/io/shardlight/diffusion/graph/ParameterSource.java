package io.shardlight.diffusion.graph;

/** The weights of one component, by PyTorch state-dict name. Thread-safe. */
public interface ParameterSource {
  /**
   * @throws IllegalArgumentException if there is no such parameter
   */
  ParameterData get(String name);

  /**
   * A text that changes whenever the values could have changed (files, sizes, modification times),
   * for caches of transformed weights.
   */
  String fingerprint();

  /**
   * As {@link #fingerprint()}, of one parameter: sources that share a parameter share what is
   * cached of it.
   */
  default String fingerprint(String name) {
    return fingerprint();
  }
}
