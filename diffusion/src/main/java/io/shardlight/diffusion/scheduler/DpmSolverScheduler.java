package io.shardlight.diffusion.scheduler;

import java.util.Arrays;

/**
 * DPM-Solver++ 2M: a multi-step method of second order for the estimate of the clean latents, over
 * λ = log(α / σ). The first step is of first order, and the last one where it arrives at no noise.
 *
 * <p>Follows diffusers since 0.25: {@code final_sigmas_type} is {@code zero} unless the file says
 * otherwise. Earlier versions, which had no such key, always ended at timestep 0's noise, as {@code
 * sigma_min} does, and so did the Flax class; on the other hand their runs of 15 steps or more took
 * the last step with second order, which {@code sigma_min} does too. diffusers looks steps up by
 * their timesteps, so that where Karras' levels put two steps on the first timestep it leaves one
 * out and fails at the end; here they are counted.
 *
 * @see <a href="https://arxiv.org/abs/2211.01095">Lu et al. 2022, DPM-Solver++, algorithm 2</a>
 */
public final class DpmSolverScheduler implements Scheduler {
  /**
   * Runs shorter than this are steadier if they end with first order: {@code lower_order_final}.
   */
  private static final int MANY_STEPS = 15;

  private final int[] timesteps;

  /** One for every step, and the one that the last step arrives at. */
  private final float[] sigmas;

  private final PredictionType predictionType;
  private final boolean lastOfFirstOrder;
  private final StepCursor cursor;

  /** The estimate of the clean latents of the step before. */
  private float[] lastClean = new float[0];

  /**
   * @param karras whether to space the noise levels after Karras et al. 2022 (arXiv:2206.00364),
   *     eq. (5), over those of the training
   */
  DpmSolverScheduler(SchedulerConfig config, int numInferenceSteps, boolean karras) {
    NoiseLevels trained = NoiseLevels.of(config);
    this.timesteps = new int[numInferenceSteps];
    this.sigmas = new float[numInferenceSteps + 1];
    if (karras) {
      double[] levels = NoiseLevels.karras(trained.largest(), trained.least(), numInferenceSteps);
      // diffusers rounds but for the cosine schedule, where it only cuts fractions off.
      boolean rounds = config.betaSchedule() != BetaSchedule.SQUARED_COSINE;
      for (int i = 0; i < numInferenceSteps; i++) {
        double timestep = trained.timestep(levels[i]);
        timesteps[i] = (int) (rounds ? Math.rint(timestep) : timestep);
        sigmas[i] = (float) levels[i];
      }
    } else {
      double[] spaced = spaced(config, numInferenceSteps);
      for (int i = 0; i < numInferenceSteps; i++) {
        timesteps[i] = (int) Math.rint(spaced[i]);
        sigmas[i] = (float) trained.at(timesteps[i]);
      }
    }
    sigmas[numInferenceSteps] =
        switch (config.finalSigma()) {
          case ZERO -> 0;
          case SIGMA_MIN -> trained.least();
        };
    this.predictionType = config.predictionType();
    this.lastOfFirstOrder =
        config.finalSigma() == FinalSigma.ZERO
            || config.eulerAtFinal()
            || (config.lowerOrderFinal() && numInferenceSteps < MANY_STEPS);
    this.cursor = new StepCursor(numInferenceSteps);
  }

  /** Of one timestep more than there are steps the last, 0, is where a run arrives. */
  private static double[] spaced(SchedulerConfig config, int steps) {
    if (config.spacing(TimestepSpacing.LINSPACE) == TimestepSpacing.TRAILING) {
      return config.timesteps(TimestepSpacing.TRAILING, steps);
    }
    if (config.spacing(TimestepSpacing.LINSPACE) == TimestepSpacing.LEADING
        && steps >= config.numTrainTimesteps()) {
      throw new IllegalArgumentException(
          "DPM-Solver++ with timestep_spacing leading (scheduler_config.json) takes at most "
              + (config.numTrainTimesteps() - 1)
              + " steps, but steps is "
              + steps
              + "; ask for fewer steps or another scheduler");
    }
    return Arrays.copyOf(config.timesteps(TimestepSpacing.LINSPACE, steps + 1), steps);
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
    return true;
  }

  @Override
  public float initNoiseSigma() {
    return 1f;
  }

  @Override
  public float[] scaleModelInput(float[] latents, int step) {
    return latents;
  }

  @Override
  public float[] step(float[] prediction, int step, float[] latents) {
    cursor.advance(step, prediction, latents);
    float[] clean = clean(prediction, step, latents);
    boolean firstOrder = step == 0 || (step == stepCount() - 1 && lastOfFirstOrder);
    // 1. Where the step goes with first order, which is DDIM: Lu et al. 2022, algorithm 2, x at t₁.
    float latentsFactor = sigma(step + 1) / sigma(step);
    float h = lambda(step + 1) - lambda(step);
    float cleanFactor = alpha(step + 1) * ((float) Math.exp(-h) - 1f);
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = latentsFactor * latents[i] - cleanFactor * clean[i];
    }
    // 2. Half the difference quotient beside it: algorithm 2, D.
    if (!firstOrder) {
      float ratio = 1f / ((lambda(step) - lambda(step - 1)) / h);
      float slopeFactor = 0.5f * cleanFactor;
      for (int i = 0; i < out.length; i++) {
        out[i] -= slopeFactor * (ratio * (clean[i] - lastClean[i]));
      }
    }
    lastClean = clean;
    return out;
  }

  /** x₀ from ε, (x - σ ε) / α, or from v, α x - σ v: Salimans and Ho 2022, section 4. */
  private float[] clean(float[] prediction, int step, float[] latents) {
    float alpha = alpha(step);
    float sigma = sigma(step);
    float[] clean = new float[latents.length];
    for (int i = 0; i < clean.length; i++) {
      clean[i] =
          switch (predictionType) {
            case EPSILON -> (latents[i] - sigma * prediction[i]) / alpha;
            case V_PREDICTION -> alpha * latents[i] - sigma * prediction[i];
          };
    }
    return clean;
  }

  /** α of latents with variance 1, where their noise level is σ / α. */
  private float alpha(int step) {
    return 1f / (float) Math.sqrt(sigmas[step] * sigmas[step] + 1f);
  }

  /** σ of latents with variance 1. */
  private float sigma(int step) {
    return sigmas[step] * alpha(step);
  }

  /** λ = log(α / σ); infinite without noise. */
  private float lambda(int step) {
    return (float) StrictMath.log(alpha(step)) - (float) StrictMath.log(sigma(step));
  }
}
