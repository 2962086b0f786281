package io.shardlight.diffusion.scheduler;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
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
      return new LmsScheduler(config, numInferenceSteps);
    }
  },
  EULER("euler", "EulerDiscreteScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new EulerScheduler(config, numInferenceSteps);
    }
  },
  /** Euler ancestral. */
  EULER_A("euler_a", "EulerAncestralDiscreteScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new EulerAncestralScheduler(config, numInferenceSteps);
    }
  },
  /** DPM-Solver++ 2M with evenly spaced timesteps, whatever {@code use_karras_sigmas} says. */
  DPMPP_2M("dpmpp_2m", "DPMSolverMultistepScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new DpmSolverScheduler(config, numInferenceSteps, false);
    }
  },
  /** DPM-Solver++ 2M with Karras' noise levels, whatever {@code use_karras_sigmas} says. */
  DPMPP_2M_KARRAS("dpmpp_2m_karras", "DPMSolverMultistepScheduler") {
    @Override
    Scheduler createChecked(SchedulerConfig config, int numInferenceSteps) {
      return new DpmSolverScheduler(config, numInferenceSteps, true);
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
    config.unsupported().forEach(value -> value.refuse(this));
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
                    "scheduler must be one of "
                        + optionNames(EnumSet.allOf(SchedulerKind.class))
                        + ", but was \""
                        + value
                        + "\""));
  }

  /**
   * The kind of a diffusers class, PyTorch's or Flax's: both have the same timesteps. Of two kinds
   * of one class the first.
   */
  static Optional<SchedulerKind> ofClass(String name) {
    return Arrays.stream(values())
        .filter(kind -> name.equals(kind.className) || name.equals("Flax" + kind.className))
        .findFirst();
  }

  static String optionNames(Set<SchedulerKind> kinds) {
    return kinds.stream().sorted().map(SchedulerKind::optionName).collect(Collectors.joining(", "));
  }
}
