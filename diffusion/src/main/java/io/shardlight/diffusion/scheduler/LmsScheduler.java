package io.shardlight.diffusion.scheduler;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * K-LMS: a linear multi-step method over the noise level σ instead of the timestep, up to four
 * derivatives back. Latents here have variance 1 + σ²; the network gets them divided by √(σ² + 1).
 *
 * <p>{@link #initNoiseSigma} is the training noise's largest σ, as in diffusers 0.5.1, which also
 * made this project's end-to-end reference; later versions take the first σ of the run. They differ
 * for one inference step only (14.6 against 0.03 for Stable Diffusion), where the run begins, and
 * ends, at timestep 0. With {@code timestep_spacing} {@code leading}, which 0.5.1 did not have, it
 * is as in later versions.
 *
 * @see <a href="https://arxiv.org/abs/2206.00364">Karras et al. 2022, eq. (4)</a>; the method is
 *     Katherine Crowson's, {@code sample_lms} of k-diffusion
 */
public final class LmsScheduler implements Scheduler {
  private static final int ORDER = 4;

  /** Nodes ±1/√3 with weights 1 integrate cubics exactly: Gauss and Legendre, two points. */
  private static final double GAUSS_NODE = 1 / Math.sqrt(3);

  private final SigmaSchedule schedule;
  private final float initNoiseSigma;
  private final PredictionType predictionType;
  private final StepCursor cursor;

  /** dx/dσ of the latest steps, newest first. */
  private final Deque<float[]> derivatives = new ArrayDeque<>();

  LmsScheduler(SchedulerConfig config, int numInferenceSteps) {
    this.schedule = SigmaSchedule.of(config, numInferenceSteps, config.useKarrasSigmas(), 0);
    this.initNoiseSigma =
        config.spacing(TimestepSpacing.LINSPACE) == TimestepSpacing.LEADING
            ? schedule.initNoiseSigma()
            : NoiseLevels.of(config).largest();
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
    return initNoiseSigma;
  }

  @Override
  public float[] scaleModelInput(float[] latents, int step) {
    return schedule.scale(latents, step);
  }

  @Override
  public float[] step(float[] prediction, int step, float[] latents) {
    cursor.advance(step, prediction, latents);
    // 1. The derivatives of this step and those before.
    derivatives.addFirst(schedule.derivative(predictionType, prediction, step, latents));
    if (derivatives.size() > ORDER) {
      derivatives.removeLast();
    }
    // 2. Adams-Bashforth over unequal steps: the integral of the polynomial through them.
    float[] change = new float[latents.length];
    int age = 0;
    for (float[] past : derivatives) {
      float coefficient = (float) coefficient(step, age++);
      for (int i = 0; i < change.length; i++) {
        change[i] += coefficient * past[i];
      }
    }
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i] + change[i];
    }
    return out;
  }

  /** ∫ of the Lagrange basis polynomial of the derivative {@code age} steps back, over the step. */
  private double coefficient(int step, int age) {
    double from = schedule.sigma(step);
    double to = schedule.sigma(step + 1);
    double centre = (from + to) / 2;
    double halfWidth = (to - from) / 2;
    return halfWidth
        * (basis(step, age, centre - halfWidth * GAUSS_NODE)
            + basis(step, age, centre + halfWidth * GAUSS_NODE));
  }

  private double basis(int step, int age, double sigma) {
    double product = 1;
    for (int other = 0; other < derivatives.size(); other++) {
      if (other != age) {
        double otherSigma = schedule.sigma(step - other);
        product *= (sigma - otherSigma) / (schedule.sigma(step - age) - otherSigma);
      }
    }
    return product;
  }
}
