package io.shardlight.diffusion.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * PNDM, the scheduler of Stable Diffusion v1: a pseudo linear multi-step method (PLMS), which
 * either starts on its own or, without {@code skip_prk_steps}, after three pseudo Runge-Kutta steps
 * of four network calls each. Starting on its own it visits the second timestep twice, so that n
 * inference steps cost n + 1 network calls (one for n = 1).
 *
 * <p>The Flax pipeline of diffusers has the same n + 1 timesteps but loops n times: it never runs
 * the last one, and its latents end one timestep early. For a Flax checkpoint, call only the steps
 * 0 … n-1 of this scheduler; its state does not mind.
 *
 * @see <a href="https://arxiv.org/abs/2202.09778">Liu et al. 2022, Pseudo Numerical Methods for
 *     Diffusion Models on Manifolds</a>
 */
public final class PndmScheduler implements Scheduler {
  /** Predictions that the multi-step method looks back at: Liu et al., eq. (12). */
  private static final int ORDER = 4;

  private static final float ONE_SIXTH = (float) (1.0 / 6);
  private static final float ONE_THIRD = (float) (1.0 / 3);
  private static final float ONE_24TH = (float) (1.0 / 24);

  private final NoiseSchedule noise;
  private final int stride;
  private final int[] timesteps;
  private final PredictionType predictionType;
  private final int rungeKuttaCalls;
  private final StepCursor cursor;

  /** The latest predictions, newest first. */
  private final Deque<float[]> predictions = new ArrayDeque<>();

  private float[] startLatents = new float[0];
  private float[] weightedPrediction = new float[0];

  PndmScheduler(SchedulerConfig config, int numInferenceSteps) {
    this.noise = NoiseSchedule.of(config);
    this.predictionType = config.predictionType();
    this.stride = config.numTrainTimesteps() / numInferenceSteps;
    int[] base = config.wholeTimesteps(TimestepSpacing.LEADING, numInferenceSteps);
    if (config.skipPrkSteps()) {
      this.rungeKuttaCalls = 0;
      this.timesteps = multiStepTimesteps(base);
    } else {
      if (numInferenceSteps < ORDER) {
        throw new IllegalArgumentException(
            "PNDM with Runge-Kutta steps (skip_prk_steps is false in scheduler_config.json) needs"
                + (" at least " + ORDER + " inference steps, but steps is " + numInferenceSteps)
                + "; ask for more steps or another scheduler");
      }
      this.rungeKuttaCalls = 4 * (ORDER - 1);
      this.timesteps = rungeKuttaTimesteps(base, stride);
    }
    this.cursor = new StepCursor(timesteps.length);
  }

  /** The second timestep twice: 981, 961, 961, 941, … */
  private static int[] multiStepTimesteps(int[] base) {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < base.length; i++) {
      all.add(base[i]);
      if (i == 1) {
        all.add(base[i]);
      }
    }
    return all.stream().mapToInt(Integer::intValue).toArray();
  }

  /**
   * Three Runge-Kutta steps between the four noisiest timesteps, each at its beginning, twice in
   * its middle and at its end; then the others, one call each.
   */
  private static int[] rungeKuttaTimesteps(int[] base, int stride) {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < ORDER - 1; i++) {
      int middle = base[i + 1] + stride / 2;
      Collections.addAll(all, base[i], middle, middle, base[i + 1]);
    }
    for (int i = ORDER - 1; i < base.length; i++) {
      all.add(base[i]);
    }
    return all.stream().mapToInt(Integer::intValue).toArray();
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
    return step < rungeKuttaCalls
        ? rungeKuttaStep(prediction, step, latents)
        : multiStep(prediction, step, latents);
  }

  /** A quarter of a pseudo Runge-Kutta step: Liu et al., eq. (13). */
  private float[] rungeKuttaStep(float[] prediction, int step, float[] latents) {
    int n = latents.length;
    int quarter = step % 4;
    float[] combined = prediction;
    switch (quarter) {
      case 0 -> {
        startLatents = latents;
        remember(prediction);
        weightedPrediction = new float[n];
        addWeighted(ONE_SIXTH, prediction);
      }
      case 1, 2 -> addWeighted(ONE_THIRD, prediction);
      default -> {
        addWeighted(ONE_SIXTH, prediction);
        combined = weightedPrediction;
      }
    }
    int from = timesteps[step - quarter];
    int to = timesteps[step] - (quarter % 2 == 0 ? stride / 2 : 0);
    return transfer(startLatents, from, to, combined);
  }

  private void addWeighted(float weight, float[] prediction) {
    for (int i = 0; i < prediction.length; i++) {
      weightedPrediction[i] += weight * prediction[i];
    }
  }

  /** A pseudo linear multi-step: Liu et al., eq. (12), with lower orders at the start. */
  private float[] multiStep(float[] prediction, int step, float[] latents) {
    if (step == 1 && rungeKuttaCalls == 0) {
      // The first step again, now with the mean of those at its beginning and at its end.
      float[] mean = new float[latents.length];
      float[] first = predictions.getFirst();
      for (int i = 0; i < mean.length; i++) {
        mean[i] = (prediction[i] + first[i]) / 2f;
      }
      return transfer(startLatents, timesteps[1] + stride, timesteps[1], mean);
    }
    if (step == 0) {
      startLatents = latents;
    }
    remember(prediction);
    return transfer(latents, timesteps[step], timesteps[step] - stride, extrapolated());
  }

  private void remember(float[] prediction) {
    predictions.addFirst(prediction);
    if (predictions.size() > ORDER) {
      predictions.removeLast();
    }
  }

  /** The Adams-Bashforth combination of the predictions at hand. */
  private float[] extrapolated() {
    Iterator<float[]> newestFirst = predictions.iterator();
    float[] e0 = newestFirst.next();
    if (!newestFirst.hasNext()) {
      return e0;
    }
    float[] out = new float[e0.length];
    float[] e1 = newestFirst.next();
    if (!newestFirst.hasNext()) {
      for (int i = 0; i < out.length; i++) {
        out[i] = (3f * e0[i] - e1[i]) / 2f;
      }
      return out;
    }
    float[] e2 = newestFirst.next();
    if (!newestFirst.hasNext()) {
      for (int i = 0; i < out.length; i++) {
        out[i] = (23f * e0[i] - 16f * e1[i] + 5f * e2[i]) / 12f;
      }
      return out;
    }
    float[] e3 = newestFirst.next();
    for (int i = 0; i < out.length; i++) {
      out[i] = ONE_24TH * (55f * e0[i] - 59f * e1[i] + 37f * e2[i] - 9f * e3[i]);
    }
    return out;
  }

  /**
   * The transfer part φ from one timestep to another: Liu et al., eq. (9). What the network
   * predicted becomes noise only here, after predictions have been combined.
   */
  private float[] transfer(float[] latents, int from, int to, float[] prediction) {
    float alphaFrom = noise.alphaCumprod(from);
    float alphaTo = noise.alphaCumprod(to);
    float latentsFactor = (float) Math.sqrt(alphaTo / alphaFrom);
    float noiseFactor = alphaTo - alphaFrom;
    float denominator =
        alphaFrom * (float) Math.sqrt(1f - alphaTo)
            + (float) Math.sqrt(alphaFrom * (1f - alphaFrom) * alphaTo);
    float sqrtAlpha = (float) Math.sqrt(alphaFrom);
    float sqrtBeta = (float) Math.sqrt(1f - alphaFrom);
    float[] out = new float[latents.length];
    for (int i = 0; i < out.length; i++) {
      float epsilon =
          switch (predictionType) {
            case EPSILON -> prediction[i];
            // Salimans and Ho 2022 (arXiv:2202.00512), section 4 and appendix D
            case V_PREDICTION -> sqrtAlpha * prediction[i] + sqrtBeta * latents[i];
          };
      out[i] = latentsFactor * latents[i] - noiseFactor * epsilon / denominator;
    }
    return out;
  }
}
