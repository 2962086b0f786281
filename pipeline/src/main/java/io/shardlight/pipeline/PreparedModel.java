package io.shardlight.pipeline;

import io.shardlight.data.AdditionsIdentity;
import io.shardlight.data.ModelIdentity;
import io.shardlight.data.SafetySettings;
import io.shardlight.data.Sampling;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.model.GenerationConfig;
import io.shardlight.diffusion.scheduler.Scheduler;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.weights.LoraException;
import io.shardlight.diffusion.weights.MalformedWeightsException;
import io.shardlight.diffusion.weights.ModelAdditions;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.models.ModelMarker;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model that was opened and checked against the options, and how workers load it.
 *
 * @param identity for the manifest and the fingerprint
 * @param additions what the model is changed by, for the fingerprint too
 * @param engine the engine that will run it
 * @param deviceKind the kind of device that will
 * @param dtype what UNet and VAE compute in
 * @param slots images of one call
 * @param safety which safety checker looks at them, and what becomes of what it flags
 */
record PreparedModel(
    StableDiffusion model,
    ModelIdentity identity,
    AdditionsIdentity additions,
    LoadModel loader,
    String engine,
    String deviceKind,
    String dtype,
    int slots,
    SafetySettings safety) {

  /** Options that loading needs; what is wrong with one is said already. */
  private static final List<String> READ_LATER =
      List.of(
          "engine",
          "devices",
          "deviceKind",
          "batchPerDevice",
          "dtype",
          "pjrtPlugin",
          "compileCache");

  /**
   * Opens what {@code --model} names; only names, shapes and places of its weights are read.
   *
   * @param elsewhere the devices of workers that are unlike this machine, whose own are not asked
   *     for then
   * @param problems gets a line for each thing that is wrong; then the result is empty
   */
  static Optional<PreparedModel> prepare(
      CommandLine line,
      Optional<WorkerDevices> elsewhere,
      BucketChecks buckets,
      Console console,
      List<String> problems) {
    int before = problems.size();
    problems.addAll(Engines.problems(line, elsewhere));
    Optional<String> value = line.usable("model");
    Optional<Additions> additions = Additions.read(line, problems);
    // After all else, as it may have to be fetched.
    Optional<LocatedModel> located =
        value.flatMap(v -> ModelLocation.open(line, buckets, console, problems));
    if (located.isEmpty() || additions.isEmpty()) {
      return Optional.empty();
    }
    String option = "--model=" + value.orElseThrow();
    try {
      ModelAdditions opened = additions.get().open();
      StableDiffusion model =
          StableDiffusion.open(
              located.get().directory(),
              line.usable("numerics").map(LoadModel::parseNumerics),
              opened);
      if (checkDefaults(model, line, problems)) {
        checkScheduler(model, line, elsewhere, problems);
      }
      model = ModelSafety.choose(model, line, problems);
      if (problems.size() > before || !READ_LATER.stream().allMatch(line::isUsable)) {
        return Optional.empty();
      }
      return Optional.of(
          replicable(model, located.get(), opened, additions.get(), elsewhere, line, console));
    } catch (LoraException e) {
      problems.add("--lora: " + Causes.line(e));
      return Optional.empty();
    } catch (MalformedWeightsException e) {
      problems.add((additions.get().holds(e.path()) ? "--lora" : option) + ": " + Causes.line(e));
      return Optional.empty();
    } catch (ModelDirectoryException e) {
      e.problems().forEach(problem -> problems.add(option + ": " + problem));
      return Optional.empty();
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged model throws is one problem among the others.
      problems.add(option + ": " + Causes.line(e));
      return Optional.empty();
    }
  }

  /** What the model asks for by itself must be in the ranges of the options that it stands for. */
  private static boolean checkDefaults(
      StableDiffusion model, CommandLine line, List<String> problems) {
    int before = problems.size();
    GenerationConfig own = model.generationConfig();
    Map<String, Runnable> checks = new LinkedHashMap<>();
    checks.put("steps", () -> Sampling.requireSteps(own.numInferenceSteps()));
    checks.put("guidanceScale", () -> Sampling.requireGuidanceScale(own.guidanceScale()));
    checks.put("width", () -> Sampling.requireSize("width", model.defaultWidthPixels()));
    checks.put("height", () -> Sampling.requireSize("height", model.defaultHeightPixels()));
    checks.forEach(
        (option, check) -> {
          if (line.isGiven(option)) {
            return;
          }
          try {
            check.run();
          } catch (IllegalArgumentException e) {
            problems.add(
                "--%s: the model's own default cannot be used, %s; give --%s=VALUE"
                    .formatted(option, Causes.line(e), option));
          }
        });
    return problems.size() == before;
  }

  private static void checkScheduler(
      StableDiffusion model,
      CommandLine line,
      Optional<WorkerDevices> elsewhere,
      List<String> problems) {
    try {
      int steps =
          line.usable("steps")
              .map(Integer::parseInt)
              .orElse(model.generationConfig().numInferenceSteps());
      SchedulerKind kind =
          line.usable("scheduler")
              .map(SchedulerKind::fromOption)
              .orElseGet(model.schedulerConfig()::kind);
      Scheduler created = kind.create(model.schedulerConfig(), steps);
      boolean onDevices = Engines.find(line, elsewhere).replicates();
      if (onDevices && !created.isLinear()) {
        problems.add(
            "--scheduler: "
                + kind.optionName()
                + " with clip_sample in the model's scheduler_config.json cannot run on engine"
                + " PJRT; choose another scheduler, or --engine=OnnxRuntime");
      }
    } catch (IllegalArgumentException e) {
      problems.add("--scheduler: " + Causes.line(e));
    }
  }

  private static PreparedModel replicable(
      StableDiffusion model,
      LocatedModel located,
      ModelAdditions opened,
      Additions additions,
      Optional<WorkerDevices> elsewhere,
      CommandLine line,
      Console console)
      throws IOException {
    Path folder = model.directory().path();
    Path cache = CacheDirectory.create(CacheDirectory.forModel(folder, console.environment()));
    String name = line.value("model").orElseThrow();
    String sha256 = model.directory().sha256(cache);
    if (!located.modelSha256().orElse(sha256).equals(sha256)) {
      throw new IOException(
          "its files together must have the SHA-256 %s, as %s says, but have %s; one of them was changed: stage the model anew, or remove %s"
              .formatted(located.modelSha256().get(), ModelMarker.NAME, sha256, ModelMarker.NAME));
    }
    AdditionsIdentity added = Additions.identity(opened, cache);
    LoadModel loader =
        new LoadModel(
            folder.toAbsolutePath().toString(),
            name.equals(DemoModel.NAME),
            line.value("engine").orElseThrow(),
            LoadModel.parseDevices(line.value("devices").orElseThrow()),
            line.value("deviceKind").orElseThrow(),
            Integer.parseInt(line.value("batchPerDevice").orElseThrow()),
            LoadModel.option(model.numerics()),
            cache.toString(),
            line.value("dtype").orElse(LoadModel.BEST),
            model.safetyChecker().isPresent(),
            line.value("pjrtPlugin").orElse(""),
            additions.pinned(added),
            line.value("compileCache").map(FileChecks::root).orElse(""),
            located.source().withSha256(sha256));
    ModelIdentity identity =
        new ModelIdentity(
            located.id(),
            located.revision(),
            sha256,
            located.license().map(LicenseTerms::id).orElse(""));
    ResolvedDevices devices = ResolvedDevices.of(model, loader, elsewhere, line);
    return new PreparedModel(
        model,
        identity,
        added,
        loader.resolved(devices.engine(), devices.kind(), devices.dtype()),
        devices.engine(),
        devices.kind().optionName(),
        devices.dtype(),
        devices.slots(),
        ModelSafety.settings(model, line, cache));
  }
}
