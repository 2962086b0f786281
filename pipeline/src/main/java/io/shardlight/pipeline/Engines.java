package io.shardlight.pipeline;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import io.shardlight.diffusion.DeviceKind;
import io.shardlight.diffusion.Lowerings;
import io.shardlight.diffusion.graph.Lowering;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The engines on the class path, for checks and reports. */
final class Engines {
  private Engines() {}

  /**
   * Kinds of the devices that an engine can use, in lower case, one entry a device; engines that
   * run single networks can always use the CPU.
   *
   * @param plugin its library, where that is to choose
   */
  static List<String> deviceKinds(Lowering lowering, Optional<Path> plugin) {
    List<String> kinds = new ArrayList<>();
    for (Device device : lowering.engine(plugin).getDevices()) {
      kinds.add(DeviceKind.of(device).optionName());
    }
    String cpu = DeviceKind.CPU.optionName();
    if (!lowering.replicates() && !kinds.contains(cpu)) {
      kinds.add(cpu);
    }
    return kinds;
  }

  /** What is wrong, on this machine, with the options that choose engine and devices. */
  static List<String> problems(CommandLine line) {
    Optional<String> engine = line.usable("engine");
    if (engine.isEmpty() || !line.isUsable("pjrtPlugin")) {
      return List.of();
    }
    Optional<Path> plugin = line.usable("pjrtPlugin").map(Path::of);
    Lowering found;
    try {
      found = Lowerings.find(engine.get(), plugin);
    } catch (IllegalArgumentException e) {
      return List.of(
          "--engine="
              + engine.get()
              + ": not part of this build; there are "
              + Lowerings.all().stream().map(Lowering::engineName).toList());
    }
    List<String> kinds;
    try {
      kinds = deviceKinds(found, plugin);
    } catch (EngineException e) {
      return List.of(
          "--engine="
              + engine.get()
              + ": "
              + Causes.explain(e)
              + "; ./shardlight devices tells more");
    }
    List<String> problems = new ArrayList<>();
    Optional<String> kind = line.usable("deviceKind");
    if (kind.isPresent()) {
      deviceProblem(found, kinds, kind.get(), line.usable("devices")).ifPresent(problems::add);
    }
    line.usable("dtype")
        .filter(dtype -> found.dataTypes().stream().map(LoadModel::option).noneMatch(dtype::equals))
        .ifPresent(
            dtype ->
                problems.add(
                    "--dtype="
                        + dtype
                        + ": engine "
                        + found.engineName()
                        + " has "
                        + String.join(
                            " and ", found.dataTypes().stream().map(LoadModel::option).toList())
                        + "; give one of these, or choose another engine"));
    return problems;
  }

  private static Optional<String> deviceProblem(
      Lowering found, List<String> kinds, String kind, Optional<String> devices) {
    if (!kind.equals("any") && !kinds.contains(kind)) {
      return Optional.of(
          "--deviceKind="
              + kind
              + ": engine "
              + found.engineName()
              + " finds no "
              + kind
              + " here, only "
              + String.join(", ", kinds.stream().distinct().toList())
              + "; run where there is one, or leave the option out");
    }
    String used = kind.equals("any") ? kinds.get(0) : kind;
    long there = kinds.stream().filter(used::equals).count();
    int wanted = devices.map(LoadModel::parseDevices).orElse(0);
    boolean virtual = !found.replicates() && used.equals(DeviceKind.CPU.optionName());
    return !virtual && wanted > there
        ? Optional.of(
            "--devices="
                + wanted
                + ": engine "
                + found.engineName()
                + " has "
                + there
                + " of kind "
                + used
                + " here; ask for as many, or leave the option out for all")
        : Optional.empty();
  }
}
