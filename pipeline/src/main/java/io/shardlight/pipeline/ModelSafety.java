package io.shardlight.pipeline;

import io.shardlight.data.SafetyPolicy;
import io.shardlight.data.SafetySettings;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.diffusion.weights.SafetyCheckerFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Decides, by {@code --safety} and the model, whether a safety checker looks at the images. */
final class ModelSafety {
  private static final String WAY_OUT = "; or draw without the check, by --safety=off";

  private ModelSafety() {}

  /**
   * Reads the model's checker if it is to look.
   *
   * @param problems gets a line for each thing that is wrong
   * @return the model, with its checker if that can be used
   */
  static StableDiffusion choose(StableDiffusion model, CommandLine line, List<String> problems) {
    Optional<SafetyPolicy> asked = asked(line);
    if (asked.equals(Optional.of(SafetyPolicy.OFF))) {
      return model;
    }
    String option = "--model=" + line.value("model").orElse("") + ": ";
    ModelDirectory directory = model.directory();
    if (!SafetyCheckerFiles.areOf(directory)) {
      asked.ifPresent(
          policy ->
              problems.add(
                  "--safety="
                      + policy.optionName()
                      + ": the model "
                      + line.value("model").orElse("")
                      + " has no safety checker; leave the option out, or choose a model with"
                      + " one"));
      return model;
    }
    try {
      return model.withSafetyChecker();
    } catch (ModelDirectoryException e) {
      e.problems().forEach(problem -> problems.add(option + problem + WAY_OUT));
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged checker throws is one problem among the others.
      problems.add(option + Causes.line(e) + WAY_OUT);
    }
    return model;
  }

  /**
   * What the dataset is to say of it.
   *
   * @param model as {@link #choose} returned it
   * @param cache where hashes of files are kept
   */
  static SafetySettings settings(StableDiffusion model, CommandLine line, Path cache)
      throws IOException {
    if (model.safetyChecker().isEmpty()) {
      return SafetySettings.OFF;
    }
    return new SafetySettings(
        asked(line).orElse(SafetyPolicy.MARK),
        SafetyCheckerFiles.open(model.directory()).sha256(cache));
  }

  private static Optional<SafetyPolicy> asked(CommandLine line) {
    return line.usable("safety").map(SafetyPolicy::fromOption);
  }
}
