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

  /**
   * The engine of a job.
   *
   * @param line has {@code engine}, with nothing wrong with it
   * @param elsewhere the devices of workers that are unlike this machine
   * @throws IllegalArgumentException if there is no such engine
   */
  static Lowering find(CommandLine line, Optional<WorkerDevices> elsewhere) {
    String engine = line.usable("engine").orElse("auto");
    Optional<Path> plugin = line.usable("pjrtPlugin").map(Path::of);
    if (elsewhere.isEmpty() || !engine.equals("auto") || plugin.isPresent()) {
      return Lowerings.find(engine, plugin);
    }
    // This machine's environment says nothing of theirs.
    boolean accelerated = !isCpu(elsewhere.get());
    return Lowerings.all().stream()
        .filter(lowering -> lowering.replicates() == accelerated)
        .findFirst()
        .orElseGet(() -> Lowerings.find(engine, plugin));
  }

  private static boolean isCpu(WorkerDevices devices) {
    return devices.kind().equals(DeviceKind.CPU.optionName());
  }

  /**
   * What is wrong with the options that choose engine and devices: on this machine, or on workers
   * that are unlike it, of whose devices this machine is not asked.
   */
  static List<String> problems(CommandLine line, Optional<WorkerDevices> elsewhere) {
    Optional<String> engine = line.usable("engine");
    if (engine.isEmpty() || !line.isUsable("pjrtPlugin")) {
      return List.of();
    }
    Optional<Path> plugin = line.usable("pjrtPlugin").map(Path::of);
    Lowering found;
    try {
      found = find(line, elsewhere);
    } catch (IllegalArgumentException e) {
      return List.of(
          "--engine="
              + engine.get()
              + ": not part of this build; there are "
              + Lowerings.all().stream().map(Lowering::engineName).toList());
    }
    List<String> problems = new ArrayList<>();
    if (elsewhere.isPresent()) {
      elsewhereProblem(found, elsewhere.get(), line).ifPresent(problems::add);
      dtypeProblem(found, line).ifPresent(problems::add);
      return problems;
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
    Optional<String> kind = line.usable("deviceKind");
    if (kind.isPresent()) {
      deviceProblem(found, kinds, kind.get(), line.usable("devices")).ifPresent(problems::add);
    }
    dtypeProblem(found, line).ifPresent(problems::add);
    return problems;
  }

  private static Optional<String> dtypeProblem(Lowering found, CommandLine line) {
    return line.usable("dtype")
        .filter(dtype -> found.dataTypes().stream().map(LoadModel::option).noneMatch(dtype::equals))
        .map(
            dtype ->
                "--dtype="
                    + dtype
                    + ": engine "
                    + found.engineName()
                    + " has "
                    + String.join(
                        " and ", found.dataTypes().stream().map(LoadModel::option).toList())
                    + "; give one of these, or choose another engine");
  }

  /** The kind the workers have must be the one that is asked for, and the engine must reach it. */
  private static Optional<String> elsewhereProblem(
      Lowering found, WorkerDevices devices, CommandLine line) {
    String kind = devices.kind();
    String asked = line.usable("deviceKind").orElse("any");
    if (!asked.equals("any") && !asked.equals(kind)) {
      return Optional.of(
          "--deviceKind="
              + asked
              + ": the workers of this job have "
              + kind
              + " devices; "
              + (isCpu(devices)
                  ? "ask for others by --accelerator, for example --accelerator=nvidia-l4"
                  : "change --accelerator")
              + ", or leave the option out");
    }
    if (found.replicates() && isCpu(devices)) {
      return Optional.of(
          "--"
              + line.usable("pjrtPlugin")
                  .map(plugin -> "pjrtPlugin=" + plugin)
                  .orElse("engine=" + found.engineName())
              + ": the workers of this job have no TPUs or GPUs; ask for them by --accelerator, or"
              + " leave the option out");
    }
    boolean reached = found.replicates() || isCpu(devices);
    if (!reached && (!kind.equals(DeviceKind.GPU.optionName()) || !found.reachesGpus())) {
      return Optional.of(
          "--engine="
              + found.engineName()
              + ": reaches no "
              + kind
              + " as it was built here; leave the option out for PJRT, which does"
              + (kind.equals(DeviceKind.GPU.optionName())
                  ? ", or build with Maven profile cuda (SHARDLIGHT_CUDA=yes)"
                  : ""));
    }
    return line.usable("devices")
        .filter(value -> !isCpu(devices) && !value.equals("auto"))
        .map(
            value ->
                "--devices="
                    + value
                    + ": each worker takes all devices that it finds; leave the option out, and ask"
                    + " for as many as you want by --accelerator");
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
