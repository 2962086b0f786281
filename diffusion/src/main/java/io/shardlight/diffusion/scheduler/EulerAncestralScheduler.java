package io.shardlight.diffusion.scheduler;

/**
 * Ancestral sampling with Euler's method: every step goes further down than the next noise level,
 * and fresh noise brings the latents back up to it. {@link #step} returns them before that; the
 * loop adds noise of standard deviation {@link #addedNoiseSigma}. Without Karras' levels, which
 * diffusers' class does not have.
 *
 * @see <a href="https://arxiv.org/abs/2006.11239">Ho et al. 2020, algorithm 2 and eq. (7), over σ
 *     instead of t</a>; the method is Katherine Crowson's, {@code sample_euler_ancestral} of
 *     k-diffusion
 */
public final class EulerAncestralScheduler implements Scheduler {
  private final SigmaSchedule schedule;
  private final PredictionType predictionType;
  private final StepCursor cursor;

  EulerAncestralScheduler(SchedulerConfig config, int numInferenceSteps) {
    this.schedule = SigmaSchedule.of(config, numInferenceSteps, false, 0);
    this.predictionType = config.predictionType();
    this.cursor = new StepCursor(schedule.stepCount());
  }

  @Override
  public int stepCount() {
    return schedule.stepCount();
  }

  @Override
  public float timestep(int step) {
    return schedule.timestep(step);
  }

  @Override
  public boolean isLinear() {
    return true;
  }

  @Override
  public float initNoiseSigma() {
    return schedule.initNoiseSigma();
  }

  @Override
  public float[] scaleModelInput(float[] latents, int step) {
    return schedule.scale(latents, step);
  }

  /** Down to {@link #downSigma} instead of the next level. */
  @Override
  public float[] step(float[] prediction, int step, float[] latents) {
    cursor.advance(step, prediction, latents);
    float change = downSigma(step) - schedule.sigma(step);
    float[] out = schedule.derivative(predictionType, prediction, step, latents);
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i] + out[i] * change;
    }
    return out;
  }

  /** σ_up² = σ_to² (σ_from² - σ_to²) / σ_from²: Ho et al. 2020, β̃ of eq. (7), over σ. */
  @Override
  public float addedNoiseSigma(int step) {
    float from = schedule.sigma(step);
    float to = schedule.sigma(step + 1);
    return (float) Math.sqrt(to * to * (from * from - to * to) / (from * from));
  }

  /** σ_down² = σ_to² - σ_up²; no less than 0 where rounding makes it so. */
  private float downSigma(int step) {
    float to = schedule.sigma(step + 1);
    float up = addedNoiseSigma(step);
    return (float) Math.sqrt(Math.max(0f, to * to - up * up));
  }
}
