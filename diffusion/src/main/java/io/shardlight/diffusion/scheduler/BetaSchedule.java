package io.shardlight.diffusion.scheduler;

/** How the variance of the training noise grows over the timesteps: {@code beta_schedule}. */
public enum BetaSchedule {
  /** β from start to end in equal steps: Ho et al. 2020, section 4. */
  LINEAR("linear") {
    @Override
    float[] betas(double start, double end, int count) {
      return linspace((float) start, (float) end, count);
    }
  },
  /** √β in equal steps: Stable Diffusion. */
  SCALED_LINEAR("scaled_linear") {
    @Override
    float[] betas(double start, double end, int count) {
      float[] betas = linspace((float) Math.sqrt(start), (float) Math.sqrt(end), count);
      for (int i = 0; i < count; i++) {
        betas[i] *= betas[i];
      }
      return betas;
    }
  },
  /** The cosine schedule, β at most 0.999; start and end do not matter. */
  SQUARED_COSINE("squaredcos_cap_v2") {
    @Override
    float[] betas(double start, double end, int count) {
      float[] betas = new float[count];
      for (int i = 0; i < count; i++) {
        double ratio = alphaBar((i + 1.0) / count) / alphaBar((double) i / count);
        betas[i] = (float) Math.min(1 - ratio, 0.999);
      }
      return betas;
    }

    /** Nichol and Dhariwal 2021 (arXiv:2102.09672), eq. (17). */
    private double alphaBar(double t) {
      double cosine = StrictMath.cos((t + 0.008) / 1.008 * Math.PI / 2);
      return cosine * cosine;
    }
  };

  private final String configName;

  BetaSchedule(String configName) {
    this.configName = configName;
  }

  /** The name in {@code scheduler_config.json}. */
  public String configName() {
    return configName;
  }

  abstract float[] betas(double start, double end, int count);

  /**
   * {@code torch.linspace} in float32 as its AVX2 kernel rounds: the first number of every eight
   * with one rounding, the others from it; from the end backwards in the second half.
   */
  private static float[] linspace(float start, float end, int count) {
    float[] out = new float[count];
    float step = (end - start) / (count - 1);
    for (int i = 0; i < count; i++) {
      int block = i / 8 * 8;
      float first =
          block < count / 2
              ? Math.fma(step, (float) block, start)
              : Math.fma(-step, (float) (count - 1 - block), end);
      out[i] = first + step * (i - block);
    }
    return out;
  }
}
