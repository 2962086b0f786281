package io.shardlight.diffusion.scheduler;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The schedulers one can ask for by name. */
public enum SchedulerKind {
  PNDM("pndm", "PNDMScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new PndmScheduler(config, numInferenceSteps);
    }
  },
  DDIM("ddim", "DDIMScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new DdimScheduler(config, numInferenceSteps);
    }
  },
  LMS("lms", "LMSDiscreteScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      if (config.useKarrasSigmas()) {
        throw new IllegalArgumentException(
            "scheduler_config.json asks for LMS with use_karras_sigmas, which is not built yet;"
                + " choose another scheduler");
      }
      return new LmsScheduler(config, numInferenceSteps);
    }
  };

  private final String optionName;
  private final String className;

  SchedulerKind(String optionName, String className) {
    this.optionName = optionName;
    this.className = className;
  }

  /** The name on the command line, in prompt files and in manifests. */
  public String optionName() {
    return optionName;
  }

  /**
   * A scheduler at the beginning of its run.
   *
   * @param config of the model; its own scheduler may be of another kind
   * @throws IllegalArgumentException if the number of steps does not fit the schedule, or the
   *     config asks for something that is not built
   */
  public Scheduler create(SchedulerConfig config, int numInferenceSteps) {
    if (numInferenceSteps < 1 || numInferenceSteps > config.numTrainTimesteps()) {
      throw new IllegalArgumentException(
          "steps must be in [1, " + config.numTrainTimesteps() + "], but was " + numInferenceSteps);
    }
    if (!config.predictionType().equals("epsilon")) {
      throw new IllegalArgumentException(
          "scheduler_config.json has prediction_type \""
              + config.predictionType()
              + "\", but only networks that predict the noise (\"epsilon\") are supported; use an"
              + " SD 1.x checkpoint");
    }
    return createChecked(config, numInferenceSteps);
  }

  abstract Scheduler createChecked(SchedulerConfig config, int numInferenceSteps);

  /**
   * The kind of an option's value, its case ignored.
   *
   * @throws IllegalArgumentException listing the names there are
   */
  public static SchedulerKind fromOption(String value) {
    String wanted = value.strip().toLowerCase(Locale.ROOT);
    return Arrays.stream(values())
        .filter(kind -> kind.optionName.equals(wanted))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "scheduler must be one of " + optionNames() + ", but was \"" + value + "\""));
  }

  /** The kind of a diffusers class, PyTorch's or Flax's: both have the same timesteps. */
  static Optional<SchedulerKind> ofClass(String name) {
    return Arrays.stream(values())
        .filter(kind -> name.equals(kind.className) || name.equals("Flax" + kind.className))
        .findFirst();
  }

  static String optionNames() {
    return Arrays.stream(values()).map(SchedulerKind::optionName).collect(Collectors.joining(", "));
  }
}
