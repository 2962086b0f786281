package io.shardlight.diffusion.scheduler;

/** Checks that a loop takes a scheduler's steps in order, each once. */
final class StepCursor {
  private final int count;
  private int next;

  StepCursor(int count) {
    this.count = count;
  }

  int count() {
    return count;
  }

  void advance(int step, float[] prediction, float[] latents) {
    if (step != next || step >= count) {
      throw new IllegalStateException(
          "expected step "
              + next
              + " of "
              + count
              + ", but was given step "
              + step
              + "; make a new scheduler for every image");
    }
    if (prediction.length != latents.length) {
      throw new IllegalArgumentException(
          "step "
              + step
              + ": prediction has "
              + prediction.length
              + " elements, but latents have "
              + latents.length);
    }
    next++;
  }
}
