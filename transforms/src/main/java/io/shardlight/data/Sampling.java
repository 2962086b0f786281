package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.Serializable;

/**
 * How one image is sampled: a run's defaults, or what holds for an example once its record's own
 * values are laid over them.
 *
 * @param steps inference steps, 1 to 1000
 * @param guidanceScale weight of classifier-free guidance, 0 to 30; guidance works above 1
 * @param widthPixels a multiple of 8, 8 to 2048
 * @param heightPixels a multiple of 8, 8 to 2048
 */
public record Sampling(
    SchedulerKind scheduler, int steps, float guidanceScale, int widthPixels, int heightPixels)
    implements Serializable {
  /** As many steps as the noise schedule was trained with. */
  public static final int MAX_STEPS = 1000;

  /** Beyond this the attention of a latent diffusion UNet fits no device. */
  public static final int MAX_SIZE_PIXELS = 2048;

  public static final float MAX_GUIDANCE_SCALE = 30;

  public Sampling {
    requireSteps(steps);
    requireGuidanceScale(guidanceScale);
    requireSize("width", widthPixels);
    requireSize("height", heightPixels);
  }

  /** Whether the negative prompt has a say: guidance pushes away from it above 1 only. */
  public boolean guided() {
    return guidanceScale > 1;
  }

  /**
   * @return {@code steps}
   * @throws IllegalArgumentException if out of range
   */
  public static int requireSteps(long steps) {
    if (steps < 1 || steps > MAX_STEPS) {
      throw new IllegalArgumentException("steps must be in [1, 1000], but was " + steps);
    }
    return (int) steps;
  }

  /**
   * @return {@code guidanceScale}
   * @throws IllegalArgumentException if out of range or not a number
   */
  public static float requireGuidanceScale(double guidanceScale) {
    if (!(guidanceScale >= 0 && guidanceScale <= MAX_GUIDANCE_SCALE)) {
      throw new IllegalArgumentException(
          "guidance scale must be in [0, 30], but was " + guidanceScale);
    }
    return (float) guidanceScale;
  }

  /**
   * @param name {@code width} or {@code height}
   * @return {@code pixels}
   * @throws IllegalArgumentException if out of range or not a multiple of 8
   */
  public static int requireSize(String name, long pixels) {
    if (pixels < 8 || pixels > MAX_SIZE_PIXELS || pixels % 8 != 0) {
      throw new IllegalArgumentException(
          name + " must be a multiple of 8 in [8, 2048], but was " + pixels);
    }
    return (int) pixels;
  }
}
