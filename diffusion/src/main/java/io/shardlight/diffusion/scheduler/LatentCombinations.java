package io.shardlight.diffusion.scheduler;

import java.util.stream.IntStream;

/**
 * A scheduler's whole run as numbers, for a loop that runs on a device: all that the network is
 * given, and the latents at the end, are linear combinations of the initial noise, the predictions
 * made so far and, where the scheduler adds noise, that of each step. Their coefficients are what
 * the scheduler does to unit vectors, so that nothing is written twice, and one program serves
 * every scheduler and any number of steps; another one those that add noise.
 */
public final class LatentCombinations {
  private final float[] timesteps;
  private final boolean addsNoise;
  private final float[] coefficients;

  private LatentCombinations(float[] timesteps, boolean addsNoise, float[] coefficients) {
    this.timesteps = timesteps;
    this.addsNoise = addsNoise;
    this.coefficients = coefficients;
  }

  /**
   * @param scheduler at the beginning of its run; its steps are taken here
   * @param calls how many of its steps to run, at least 1
   * @param rows of the result, more than {@code calls}
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
    boolean addsNoise =
        IntStream.range(0, calls).anyMatch(step -> scheduler.addedNoiseSigma(step) > 0);
    int columns = addsNoise ? 2 * rows : rows;
    float[] coefficients = new float[rows * columns];
    float[] latents = unit(0, columns);
    latents[0] = scheduler.initNoiseSigma();
    for (int step = 0; step < calls; step++) {
      timesteps[step] = scheduler.timestep(step);
      System.arraycopy(
          scheduler.scaleModelInput(latents, step), 0, coefficients, step * columns, columns);
      latents = scheduler.step(unit(step + 1, columns), step, latents);
      if (addsNoise) {
        latents[rows + step] += scheduler.addedNoiseSigma(step);
      }
    }
    System.arraycopy(latents, 0, coefficients, calls * columns, columns);
    return new LatentCombinations(timesteps, addsNoise, coefficients);
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

  /** Whether there is noise to be added after some steps, and there are columns for it. */
  public boolean addsNoise() {
    return addsNoise;
  }

  /**
   * {@code [rows, rows]}, or {@code [rows, 2 rows]} with added noise, row-major. Row <i>i</i> gives
   * the network's input at step <i>i</i>, that after the last step the final latents, further ones
   * are zero. Column 0 belongs to the initial noise, column <i>j</i> + 1 to the prediction of step
   * <i>j</i>, column rows + <i>j</i> to the noise that is added after it.
   */
  public float[] coefficients() {
    return coefficients.clone();
  }
}
