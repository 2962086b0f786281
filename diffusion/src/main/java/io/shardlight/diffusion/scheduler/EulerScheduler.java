package io.shardlight.diffusion.scheduler;

/**
 * Euler's method over the noise level σ: every step goes straight along dx/dσ. Follows diffusers
 * since 0.21, which begins a run at the first σ of its own timesteps: with one inference step at
 * timestep 0, unless {@code timestep_spacing} is {@code trailing}.
 *
 * @see <a href="https://arxiv.org/abs/2206.00364">Karras et al. 2022, algorithm 1 without its
 *     second-order correction</a>
 */
public final class EulerScheduler implements Scheduler {
  private final SigmaSchedule schedule;
  private final PredictionType predictionType;
  private final StepCursor cursor;

  EulerScheduler(SchedulerConfig config, int numInferenceSteps) {
    float last =
        switch (config.finalSigma()) {
          case ZERO -> 0;
          case SIGMA_MIN -> NoiseLevels.of(config).least();
        };
    this.schedule = SigmaSchedule.of(config, numInferenceSteps, config.useKarrasSigmas(), last);
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

  /** Karras et al. 2022, algorithm 1, lines 4 and 5. */
  @Override
  public float[] step(float[] prediction, int step, float[] latents) {
    cursor.advance(step, prediction, latents);
    float change = schedule.sigma(step + 1) - schedule.sigma(step);
    float[] out = schedule.derivative(predictionType, prediction, step, latents);
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i] + out[i] * change;
    }
    return out;
  }
}
