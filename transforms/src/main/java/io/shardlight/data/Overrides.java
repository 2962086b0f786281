package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Optional;

/**
 * What a record says about its own images; the rest comes from the run's settings. Every value is
 * in the range that {@link Sampling}, {@link Seeds} and {@link Prompt} ask for.
 */
public record Overrides(
    Optional<String> negativePrompt,
    Optional<Long> seed,
    Optional<Integer> images,
    Optional<SchedulerKind> scheduler,
    Optional<Integer> steps,
    Optional<Float> guidanceScale,
    Optional<Integer> widthPixels,
    Optional<Integer> heightPixels) {
  public static final Overrides NONE =
      new Overrides(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  public Overrides {
    seed.ifPresent(Seeds::require);
    images.ifPresent(Prompt::requireImages);
    steps.ifPresent(Sampling::requireSteps);
    guidanceScale.ifPresent(Sampling::requireGuidanceScale);
    widthPixels.ifPresent(pixels -> Sampling.requireSize("width", pixels));
    heightPixels.ifPresent(pixels -> Sampling.requireSize("height", pixels));
  }

  /** These values laid over the run's. */
  public Sampling over(Sampling defaults) {
    return new Sampling(
        scheduler.orElse(defaults.scheduler()),
        steps.orElse(defaults.steps()),
        guidanceScale.orElse(defaults.guidanceScale()),
        widthPixels.orElse(defaults.widthPixels()),
        heightPixels.orElse(defaults.heightPixels()));
  }
}
