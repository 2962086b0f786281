package io.shardlight.diffusion;

import io.shardlight.diffusion.graph.Lowering;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;

/** The engines on the class path that can run the networks. */
public final class Lowerings {
  private Lowerings() {}

  /**
   * @param engine the name of an engine, case ignored, or {@code auto} for the one whose library is
   *     named, or else the first that needs none
   * @param plugin the engine's library, where that is to choose
   * @throws IllegalArgumentException if there is no such engine
   */
  public static Lowering find(String engine, Optional<Path> plugin) {
    List<Lowering> all = all();
    if (engine.equals("auto")) {
      Optional<Lowering> given = all.stream().filter(l -> l.isNamed(plugin)).findFirst();
      return given.orElseGet(
          () -> all.stream().filter(l -> !l.replicates()).findFirst().orElseGet(() -> all.get(0)));
    }
    return all.stream()
        .filter(l -> l.engineName().equalsIgnoreCase(engine))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "engine \""
                        + engine
                        + "\" is not on the class path; there are "
                        + all.stream().map(Lowering::engineName).toList()));
  }

  /** All, in the order of the class path. */
  public static List<Lowering> all() {
    return ServiceLoader.load(Lowering.class).stream().map(ServiceLoader.Provider::get).toList();
  }
}
