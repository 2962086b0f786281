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
 * ends, at timestep 0.
 *
 * @see <a href="https://arxiv.org/abs/2206.00364">Karras et al. 2022, eq. (4)</a>; the method is
 *     Katherine Crowson's, {@code sample_lms} of k-diffusion
 */
public final class LmsScheduler implements Scheduler {
  private static final int ORDER = 4;

  /** Nodes ±1/√3 with weights 1 integrate cubics exactly: Gauss and Legendre, two points. */
  private static final double GAUSS_NODE = 1 / Math.sqrt(3);

  private final double[] timesteps;

  /** One for every step, and a last 0. */
  private final float[] sigmas;

  private final float initNoiseSigma;
  private final StepCursor cursor;

  /** dx/dσ of the latest steps, newest first. */
  private final Deque<float[]> derivatives = new ArrayDeque<>();

  LmsScheduler(SchedulerConfig config, int numInferenceSteps) {
    this.timesteps = config.timesteps(TimestepSpacing.LINSPACE, numInferenceSteps);
    float[] trained = NoiseSchedule.of(config).sigmas();
    this.sigmas = new float[timesteps.length + 1];
    for (int i = 0; i < timesteps.length; i++) {
      sigmas[i] = interpolated(trained, timesteps[i]);
    }
    this.initNoiseSigma = trained[trained.length - 1]; // they grow with the timestep
    this.cursor = new StepCursor(timesteps.length);
  }

  private static float interpolated(float[] trained, double timestep) {
    int below = (int) timestep;
    if (below == trained.length - 1) {
      return trained[below];
    }
    double slope = (double) trained[below + 1] - trained[below];
    return (float) (slope * (timestep - below) + trained[below]);
  }

  @Override
  public int stepCount() {
    return timesteps.length;
  }

  @Override
  public float timestep(int step) {
    return (float) timesteps[step];
  }

  @Override
  public boolean isLinear() {
    return true;
  }

  @Override
  public float initNoiseSigma() {
    return initNoiseSigma;
  }

  /** Divides by √(σ² + 1): Karras et al. 2022, table 1, c_in with σ_data = 1. */
  @Override
  public float[] scaleModelInput(float[] latents, int step) {
    float scale = (float) Math.sqrt(sigmas[step] * sigmas[step] + 1f);
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = latents[i] / scale;
    }
    return out;
  }

  @Override
  public float[] step(float[] noisePrediction, int step, float[] latents) {
    cursor.advance(step, noisePrediction, latents);
    // 1. The derivative dx/dσ, Karras et al. 2022, eq. (4), by way of the clean latents so that it
    //    rounds as diffusers' does.
    float sigma = sigmas[step];
    float[] derivative = new float[latents.length];
    for (int i = 0; i < derivative.length; i++) {
      float clean = latents[i] - sigma * noisePrediction[i];
      derivative[i] = (latents[i] - clean) / sigma;
    }
    derivatives.addFirst(derivative);
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
    double from = sigmas[step];
    double to = sigmas[step + 1];
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
        double otherSigma = sigmas[step - other];
        product *= (sigma - otherSigma) / (sigmas[step - age] - otherSigma);
      }
    }
    return product;
  }
}
