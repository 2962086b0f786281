package io.shardlight.pipeline;

import ai.djl.engine.EngineException;
import io.shardlight.diffusion.graph.Lowering;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;

/** The engines on the class path, for checks and reports. */
final class Engines {
  private Engines() {}

  /** All, best first. */
  static List<Lowering> all() {
    return ServiceLoader.load(Lowering.class).stream().map(ServiceLoader.Provider::get).toList();
  }

  /** Kinds of the devices that an engine sees, in lower case, one entry a device. */
  static List<String> deviceKinds(Lowering lowering) {
    return Arrays.stream(lowering.engine().getDevices())
        .map(device -> device.getDeviceType().toLowerCase(Locale.ROOT))
        .toList();
  }

  /** What is wrong with {@code engine} and {@code deviceKind} on this machine. */
  static Optional<String> problem(String engine, String deviceKind) {
    Optional<Lowering> found =
        all().stream()
            .filter(l -> engine.equals("auto") || l.engineName().equals(engine))
            .findFirst();
    if (found.isEmpty()) {
      return Optional.of(
          "--engine="
              + engine
              + ": not part of this build; there are "
              + all().stream().map(Lowering::engineName).toList());
    }
    List<String> kinds;
    try {
      kinds = deviceKinds(found.get());
    } catch (EngineException e) {
      return Optional.of(
          "--engine=" + engine + ": " + Causes.explain(e) + "; ./shardlight devices tells more");
    }
    if (deviceKind.equals("any") || kinds.contains(deviceKind)) {
      return Optional.empty();
    }
    return Optional.of(
        "--deviceKind="
            + deviceKind
            + ": engine "
            + found.get().engineName()
            + " finds no "
            + deviceKind
            + " here, only "
            + String.join(", ", kinds.stream().distinct().toList())
            + "; run where there is one, or leave the option out");
  }
}
