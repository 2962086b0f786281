package io.shardlight.diffusion.scheduler;

/**
 * DDIM without added noise (η = 0): every step estimates the clean latents and moves straight
 * towards them.
 *
 * @see <a href="https://arxiv.org/abs/2010.02502">Song et al. 2020, Denoising Diffusion Implicit
 *     Models</a>
 */
public final class DdimScheduler implements Scheduler {
  private final NoiseSchedule noise;
  private final int stride;
  private final int[] timesteps;
  private final PredictionType predictionType;
  private final boolean clipSample;
  private final float clipSampleRange;
  private final StepCursor cursor;

  DdimScheduler(SchedulerConfig config, int numInferenceSteps) {
    this.noise = NoiseSchedule.of(config);
    this.stride = config.numTrainTimesteps() / numInferenceSteps;
    this.timesteps = config.wholeTimesteps(TimestepSpacing.LEADING, numInferenceSteps);
    this.predictionType = config.predictionType();
    this.clipSample = config.clipSample();
    this.clipSampleRange = config.clipSampleRange();
    this.cursor = new StepCursor(timesteps.length);
    if (predictionType == PredictionType.EPSILON && noise.alphaCumprod(timesteps[0]) == 0) {
      throw new IllegalArgumentException(
          "ddim begins at timestep "
              + timesteps[0]
              + ", which has no signal left (rescale_betas_zero_snr in scheduler_config.json), and"
              + " from there needs prediction_type v_prediction, but that is epsilon; choose"
              + " another scheduler");
    }
  }

  @Override
  public int stepCount() {
    return timesteps.length;
  }

  @Override
  public float timestep(int step) {
    return timesteps[step];
  }

  @Override
  public boolean isLinear() {
    return !clipSample;
  }

  @Override
  public float initNoiseSigma() {
    return 1f;
  }

  @Override
  public float[] scaleModelInput(float[] latents, int step) {
    return latents;
  }

  /** Song et al. 2020, eq. (12) with σ = 0. */
  @Override
  public float[] step(float[] prediction, int step, float[] latents) {
    cursor.advance(step, prediction, latents);
    float alpha = noise.alphaCumprod(timesteps[step]);
    float alphaNext = noise.alphaCumprod(timesteps[step] - stride);
    float sqrtAlpha = (float) Math.sqrt(alpha);
    float sqrtBeta = (float) Math.sqrt(1f - alpha);
    float sqrtAlphaNext = (float) Math.sqrt(alphaNext);
    float sqrtBetaNext = (float) Math.sqrt(1f - alphaNext);
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      float clean;
      float epsilon;
      switch (predictionType) {
        case EPSILON -> {
          clean = (latents[i] - sqrtBeta * prediction[i]) / sqrtAlpha;
          epsilon = prediction[i];
        }
        case V_PREDICTION -> { // Salimans and Ho 2022 (arXiv:2202.00512), section 4 and appendix D
          clean = sqrtAlpha * latents[i] - sqrtBeta * prediction[i];
          epsilon = sqrtAlpha * prediction[i] + sqrtBeta * latents[i];
        }
        default -> throw new AssertionError(predictionType);
      }
      if (clipSample) {
        clean = Math.max(-clipSampleRange, Math.min(clipSampleRange, clean));
      }
      out[i] = sqrtAlphaNext * clean + sqrtBetaNext * epsilon;
    }
    return out;
  }
}
