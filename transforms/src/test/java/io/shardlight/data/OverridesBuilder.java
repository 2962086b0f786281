package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.Optional;

/** Overrides of a few values, for tests. */
public final class OverridesBuilder {
  private Overrides value = Overrides.NONE;

  public OverridesBuilder negativePrompt(String negativePrompt) {
    return set(Optional.of(negativePrompt), value.seed(), value.images());
  }

  public OverridesBuilder seed(long seed) {
    return set(value.negativePrompt(), Optional.of(seed), value.images());
  }

  public OverridesBuilder images(int images) {
    return set(value.negativePrompt(), value.seed(), Optional.of(images));
  }

  private OverridesBuilder set(
      Optional<String> negativePrompt, Optional<Long> seed, Optional<Integer> images) {
    value =
        new Overrides(
            negativePrompt,
            seed,
            images,
            value.scheduler(),
            value.steps(),
            value.guidanceScale(),
            value.widthPixels(),
            value.heightPixels());
    return this;
  }

  public OverridesBuilder scheduler(SchedulerKind scheduler) {
    return sampling(Optional.of(scheduler), value.steps(), value.guidanceScale());
  }

  public OverridesBuilder steps(int steps) {
    return sampling(value.scheduler(), Optional.of(steps), value.guidanceScale());
  }

  public OverridesBuilder guidanceScale(float guidanceScale) {
    return sampling(value.scheduler(), value.steps(), Optional.of(guidanceScale));
  }

  private OverridesBuilder sampling(
      Optional<SchedulerKind> scheduler, Optional<Integer> steps, Optional<Float> guidanceScale) {
    value =
        new Overrides(
            value.negativePrompt(),
            value.seed(),
            value.images(),
            scheduler,
            steps,
            guidanceScale,
            value.widthPixels(),
            value.heightPixels());
    return this;
  }

  public OverridesBuilder width(int pixels) {
    return size(Optional.of(pixels), value.heightPixels());
  }

  public OverridesBuilder height(int pixels) {
    return size(value.widthPixels(), Optional.of(pixels));
  }

  private OverridesBuilder size(Optional<Integer> width, Optional<Integer> height) {
    value =
        new Overrides(
            value.negativePrompt(),
            value.seed(),
            value.images(),
            value.scheduler(),
            value.steps(),
            value.guidanceScale(),
            width,
            height);
    return this;
  }

  public Overrides build() {
    return value;
  }
}
