package io.shardlight.diffusion.scheduler;

/**
 * A scheduler's whole run as numbers, for a loop that runs on a device: all that the network is
 * given, and the latents at the end, are linear combinations of the initial noise and the
 * predictions made so far. Their coefficients are what the scheduler does to unit vectors, so that
 * nothing is written twice, and one program serves every scheduler and any number of steps.
 */
public final class LatentCombinations {
  private final float[] timesteps;
  private final float[] coefficients;

  private LatentCombinations(float[] timesteps, float[] coefficients) {
    this.timesteps = timesteps;
    this.coefficients = coefficients;
  }

  /**
   * @param scheduler at the beginning of its run; its steps are taken here
   * @param calls how many of its steps to run, at least 1
   * @param rows numbers in a row and a column of the result, more than {@code calls}
   * @throws IllegalArgumentException if the scheduler is not linear
   */
  public static LatentCombinations of(Scheduler scheduler, int calls, int rows) {
    if (!scheduler.isLinear()) {
      throw new IllegalArgumentException(
          "scheduler_config.json has clip_sample true, and steps that clip can't be combined in a"
              + " program on the device; choose another scheduler, or engine OnnxRuntime");
    }
    if (calls < 1 || calls > scheduler.stepCount() || calls >= rows) {
      throw new IllegalArgumentException(
          "calls must be in [1, "
              + Math.min(scheduler.stepCount(), rows - 1)
              + "], but was "
              + calls);
    }
    float[] timesteps = new float[rows];
    float[] coefficients = new float[rows * rows];
    float[] latents = unit(0, rows);
    latents[0] = scheduler.initNoiseSigma();
    for (int step = 0; step < calls; step++) {
      timesteps[step] = scheduler.timestep(step);
      System.arraycopy(
          scheduler.scaleModelInput(latents, step), 0, coefficients, step * rows, rows);
      latents = scheduler.step(unit(step + 1, rows), step, latents);
    }
    System.arraycopy(latents, 0, coefficients, calls * rows, rows);
    return new LatentCombinations(timesteps, coefficients);
  }

  private static float[] unit(int index, int length) {
    float[] unit = new float[length];
    unit[index] = 1;
    return unit;
  }

  /** The training timestep of each step, {@code [rows]}, zeros behind the last. */
  public float[] timesteps() {
    return timesteps.clone();
  }

  /**
   * {@code [rows, rows]}, row-major. Row <i>i</i> gives the network's input at step <i>i</i>, that
   * after the last step the final latents, further ones are zero. Column 0 belongs to the noise,
   * column <i>j</i> + 1 to the prediction of step <i>j</i>.
   */
  public float[] coefficients() {
    return coefficients.clone();
  }
}
