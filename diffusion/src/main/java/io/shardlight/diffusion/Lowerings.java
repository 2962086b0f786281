package io.shardlight.diffusion;

import io.shardlight.diffusion.graph.Lowering;
import java.util.List;
import java.util.ServiceLoader;

/** The engines on the class path that can run the networks. */
public final class Lowerings {
  private Lowerings() {}

  /** Names of the engines that have a lowering here, in the order of the class path. */
  public static List<String> engineNames() {
    return load().stream().map(Lowering::engineName).toList();
  }

  /**
   * @param engine {@code auto} for the first of {@link #engineNames}, or one of them, case ignored
   * @throws IllegalArgumentException if there is no such engine
   */
  static Lowering find(String engine) {
    List<Lowering> all = load();
    return all.stream()
        .filter(l -> engine.equals("auto") || l.engineName().equalsIgnoreCase(engine))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "engine \""
                        + engine
                        + "\" is not on the class path; there are "
                        + all.stream().map(Lowering::engineName).toList()));
  }

  private static List<Lowering> load() {
    return ServiceLoader.load(Lowering.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
