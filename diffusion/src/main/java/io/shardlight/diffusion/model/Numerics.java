package io.shardlight.diffusion.model;

import io.shardlight.diffusion.graph.Activation;

/**
 * Which of the two reference implementations of diffusers 0.5.1 is followed where they differ. Here
 * is the whole list; everything else, they compute alike (up to rounding).
 *
 * <table>
 *   <caption>Differences</caption>
 *   <tr><th></th><th>PyTorch</th><th>Flax</th></tr>
 *   <tr><td>GELU in the UNet's gated feed-forward</td><td>exact</td>
 *       <td>tanh approximation, the default of {@code flax.linen.gelu}</td></tr>
 *   <tr><td>epsilon of the UNet's SpatialTransformer GroupNorm</td><td>1e-6</td><td>1e-5</td></tr>
 *   <tr><td>steps run</td><td>all timesteps of the scheduler</td>
 *       <td>the first {@code numInferenceSteps}: PNDM's last timestep is never run</td></tr>
 *   <tr><td>UNet's {@code act_fn}, {@code norm_num_groups}, {@code norm_eps}, {@code
 *       downsample_padding}, {@code flip_sin_to_cos}, {@code mid_block_scale_factor}</td>
 *       <td>as configured</td><td>fixed at Stable Diffusion 1.x's values whatever the file says, so
 *       other values are refused</td></tr>
 * </table>
 *
 * <p>On the tiny reference model the first two move the UNet's output by 5e-4 and the image by
 * 1e-3, a level of 255 at most.
 *
 * @see <a
 *     href="https://github.com/huggingface/diffusers/tree/v0.5.1/src/diffusers/models">attention.py,
 *     attention_flax.py, unet_2d_condition_flax.py; pipeline_flax_stable_diffusion.py for the
 *     loop</a>
 */
public enum Numerics {
  /** {@code StableDiffusionPipeline}. */
  TORCH(Activation.GELU, 1e-6f),
  /** {@code FlaxStableDiffusionPipeline}. */
  FLAX(Activation.GELU_TANH, 1e-5f);

  private final Activation feedForwardGate;
  private final float transformerNormEpsilon;

  Numerics(Activation feedForwardGate, float transformerNormEpsilon) {
    this.feedForwardGate = feedForwardGate;
    this.transformerNormEpsilon = transformerNormEpsilon;
  }

  /** The activation on the gate of the UNet's feed-forward layers. */
  public Activation feedForwardGate() {
    return feedForwardGate;
  }

  /** Epsilon of the GroupNorm at the entrance of the UNet's spatial transformers. */
  public float transformerNormEpsilon() {
    return transformerNormEpsilon;
  }

  /**
   * How many entries of a scheduler's timesteps are run.
   *
   * @param schedulerSteps length of the scheduler's timesteps, {@code numInferenceSteps + 1} for
   *     PNDM
   * @param numInferenceSteps what the user asked for
   */
  public int stepsToRun(int schedulerSteps, int numInferenceSteps) {
    return switch (this) {
      case TORCH -> schedulerSteps;
      case FLAX -> Math.min(schedulerSteps, numInferenceSteps);
    };
  }
}
