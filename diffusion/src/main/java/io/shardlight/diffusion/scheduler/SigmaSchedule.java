package io.shardlight.diffusion.scheduler;

/**
 * The timesteps and noise levels of a run over σ: LMS, Euler and Euler ancestral. Latents have
 * variance 1 + σ²; the network gets them divided by √(σ² + 1). Immutable.
 */
final class SigmaSchedule {
  private final float[] timesteps;

  /** One for every step, and the one that the last step arrives at. */
  private final float[] sigmas;

  private final float initNoiseSigma;

  private SigmaSchedule(float[] timesteps, float[] sigmas, float initNoiseSigma) {
    this.timesteps = timesteps;
    this.sigmas = sigmas;
    this.initNoiseSigma = initNoiseSigma;
  }

  /**
   * @param karras whether to space the levels after Karras et al. 2022 (arXiv:2206.00364), eq. (5),
   *     between the first and the last that the timesteps have
   * @param last the level that the last step arrives at
   */
  static SigmaSchedule of(
      SchedulerConfig config, int numInferenceSteps, boolean karras, float last) {
    NoiseLevels trained = NoiseLevels.of(config);
    double[] timesteps = config.timesteps(TimestepSpacing.LINSPACE, numInferenceSteps);
    double[] levels = new double[timesteps.length];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = trained.at(timesteps[i]);
    }
    if (karras) {
      levels = NoiseLevels.karras(levels[0], levels[levels.length - 1], levels.length);
      for (int i = 0; i < levels.length; i++) {
        timesteps[i] = trained.timestep(levels[i]);
      }
    }
    float[] sigmas = new float[levels.length + 1];
    float[] asked = new float[levels.length];
    for (int i = 0; i < levels.length; i++) {
      sigmas[i] = (float) levels[i];
      asked[i] = (float) timesteps[i];
    }
    sigmas[levels.length] = last;
    return new SigmaSchedule(asked, sigmas, initNoiseSigma(config, sigmas[0]));
  }

  /** Where the timesteps begin below the noisiest one there is signal left, of variance 1. */
  private static float initNoiseSigma(SchedulerConfig config, float first) {
    return config.spacing(TimestepSpacing.LINSPACE) == TimestepSpacing.LEADING
        ? (float) Math.sqrt(first * first + 1f)
        : first;
  }

  int stepCount() {
    return timesteps.length;
  }

  float timestep(int step) {
    return timesteps[step];
  }

  /**
   * @param step in [0, stepCount], the last one for where the run arrives
   */
  float sigma(int step) {
    return sigmas[step];
  }

  float initNoiseSigma() {
    return initNoiseSigma;
  }

  /** Divides by √(σ² + 1): Karras et al. 2022, table 1, c_in with σ_data = 1. */
  float[] scale(float[] latents, int step) {
    float divisor = (float) Math.sqrt(sigmas[step] * sigmas[step] + 1f);
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i] / divisor;
    }
    return out;
  }

  /**
   * dx/dσ, Karras et al. 2022, eq. (4), by way of the clean latents so that it rounds as diffusers'
   * does. From v they are c_skip x + c_out v: ibid., table 1, as {@code v} is -F with σ_data = 1.
   */
  float[] derivative(PredictionType type, float[] prediction, int step, float[] latents) {
    float sigma = sigmas[step];
    float variance = sigma * sigma + 1f;
    float fromV = -sigma / (float) Math.sqrt(variance);
    float[] derivative = new float[latents.length];
    for (int i = 0; i < derivative.length; i++) {
      float clean =
          switch (type) {
            case EPSILON -> latents[i] - sigma * prediction[i];
            case V_PREDICTION -> prediction[i] * fromV + latents[i] / variance;
          };
      derivative[i] = (latents[i] - clean) / sigma;
    }
    return derivative;
  }
}
