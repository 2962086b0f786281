package io.shardlight.diffusion.scheduler;

/**
 * The noise level σ at every timestep of the training, and between them. Levels grow with the
 * timestep. Immutable.
 */
final class NoiseLevels {
  /** Karras et al. 2022 (arXiv:2206.00364), section 3: the steps' curvature ρ. */
  private static final double RHO = 7;

  /** diffusers keeps the logarithm of a level away from -∞. */
  private static final double LEAST = 1e-10;

  private final float[] sigmas;
  private final float[] logarithms;

  private NoiseLevels(float[] sigmas) {
    this.sigmas = sigmas;
    this.logarithms = new float[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      logarithms[i] = (float) StrictMath.log(sigmas[i]); // NumPy's of a float32 array
    }
  }

  static NoiseLevels of(SchedulerConfig config) {
    return new NoiseLevels(NoiseSchedule.ofSigmas(config).sigmas());
  }

  /** The level of timestep 0. */
  float least() {
    return sigmas[0];
  }

  /** The level of the last timestep. */
  float largest() {
    return sigmas[sigmas.length - 1];
  }

  /** The level at a timestep, in [0, numTrainTimesteps), straight between neighbours. */
  double at(double timestep) {
    int below = (int) timestep;
    if (below == sigmas.length - 1) {
      return sigmas[below];
    }
    double slope = (double) sigmas[below + 1] - sigmas[below];
    return slope * (timestep - below) + sigmas[below];
  }

  /** The timestep of a level, straight between the logarithms of neighbours. */
  double timestep(double sigma) {
    double logarithm = StrictMath.log(Math.max(sigma, LEAST));
    int below = 0;
    while (below < logarithms.length - 2 && logarithms[below + 1] <= logarithm) {
      below++;
    }
    double low = logarithms[below];
    double high = logarithms[below + 1];
    double weight = Math.min(1, Math.max(0, (low - logarithm) / (low - high)));
    return (1 - weight) * below + weight * (below + 1);
  }

  /** Levels from one to another, close together at low noise: Karras et al. 2022, eq. (5). */
  static double[] karras(double from, double to, int count) {
    double rootFrom = StrictMath.pow(from, 1 / RHO);
    double rootTo = StrictMath.pow(to, 1 / RHO);
    double[] levels = new double[count];
    double stride = count == 1 ? 0 : 1.0 / (count - 1);
    for (int i = 0; i < count; i++) {
      double ramp = i == count - 1 && i > 0 ? 1 : i * stride; // NumPy's linspace
      levels[i] = StrictMath.pow(rootFrom + ramp * (rootTo - rootFrom), RHO);
    }
    return levels;
  }
}
