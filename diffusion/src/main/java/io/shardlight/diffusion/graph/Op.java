package io.shardlight.diffusion.graph;

/**
 * What a {@link Node} computes. Image tensors are {@code [batch, channels, height, width]}, token
 * tensors {@code [batch, tokens, channels]}; a lowering is free to keep them in another memory
 * layout, and the operations are few and large enough to let it.
 *
 * <p>The operands of each operation, and the shapes they must have, stand beside its method in
 * {@link GraphBuilder}.
 */
public sealed interface Op {

  /** A tensor given at each run. */
  record Input(String name) implements Op {}

  /** A weight of the checkpoint, by its PyTorch state-dict name. */
  record Parameter(String name) implements Op {}

  /**
   * 2-D convolution (cross-correlation) of an image with an {@code [out, in, kernelHeight,
   * kernelWidth]} weight and perhaps no bias; zero padding may differ from side to side, as the VAE
   * encoder's does.
   */
  record Conv2d(int stride, int padTop, int padLeft, int padBottom, int padRight) implements Op {}

  /**
   * {@code x W^T + b} over the last axis, with an {@code [out, in]} weight and perhaps no bias.
   * Weight and bias are parameters, or row slices of parameters.
   */
  record Linear() implements Op {}

  /** Group normalisation with affine weight and bias per channel; Wu and He, arXiv:1803.08494. */
  record GroupNorm(int groups, float epsilon) implements Op {}

  /** Normalisation over the last axis with affine weight and bias; Ba et al., arXiv:1607.06450. */
  record LayerNorm(float epsilon) implements Op {}

  /** Element-wise nonlinearity. */
  record Activate(Activation function) implements Op {}

  /** Element-wise sum; the second operand may lack leading axes and is then repeated along them. */
  record Add() implements Op {}

  /** Adds a {@code [batch, channels]} tensor to every pixel of an image. */
  record AddPerChannel() implements Op {}

  /** Element-wise product of equal shapes. */
  record Multiply() implements Op {}

  /** Product with a constant. */
  record Scale(float factor) implements Op {}

  /** Limits every element to {@code [min, max]}. */
  record Clamp(float min, float max) implements Op {}

  /**
   * Multi-head scaled dot-product attention on {@code [batch, tokens, channels]} operands; Vaswani
   * et al., arXiv:1706.03762, equation 1. Head {@code i} takes the channels {@code [i *
   * channels/heads, (i + 1) * channels/heads)}.
   *
   * @param causal whether query {@code s} sees only the keys {@code 0..s}
   */
  record Attention(int heads, float scale, boolean causal) implements Op {}

  /** Joins tensors along an axis. */
  record Concat(int axis) implements Op {}

  /**
   * Puts one token in front of the tokens of every sequence: a vision transformer's class token.
   */
  record PrependToken() implements Op {}

  /** The elements {@code [start, end)} along an axis. */
  record Slice(int axis, int start, int end) implements Op {}

  /** Doubles height and width by repeating pixels. */
  record UpsampleNearest2x() implements Op {}

  /**
   * Image to tokens: {@code [batch, channels, height, width]} to {@code [batch, h*w, channels]}.
   */
  record FlattenSpatial() implements Op {}

  /** Tokens to image, the inverse of {@link FlattenSpatial}. */
  record UnflattenSpatial(int height, int width) implements Op {}

  /** Rows of an {@code [vocabulary, channels]} table at int64 token ids. */
  record Embedding() implements Op {}

  /**
   * Sinusoidal embedding of timesteps as in Ho et al., arXiv:2006.11239 (diffusers' {@code
   * get_timestep_embedding}): frequency {@code i} of {@code half = dimension/2} is {@code
   * exp(-ln(10000) i / (half - frequencyShift))}. Frequencies and their products with the timestep
   * are rounded to float32, as in the references: exact angles would move the embedding by 3e-5.
   *
   * @param cosineFirst diffusers' {@code flip_sin_to_cos}
   */
  record SinusoidalEmbedding(int dimension, boolean cosineFirst, float frequencyShift)
      implements Op {

    /**
     * The frequencies in the float32 steps of {@code get_timestep_embedding}: at timestep 981 one
     * unit in the last place of a frequency already moves the sine by 6e-5, so double precision
     * here would be further from the reference, not closer.
     *
     * @return {@code [dimension / 2]}
     */
    public float[] frequencies() {
      int half = dimension / 2;
      float[] frequencies = new float[half];
      for (int i = 0; i < half; i++) {
        float exponent = (float) -Math.log(10000) * i / (half - frequencyShift);
        frequencies[i] = (float) Math.exp(exponent);
      }
      return frequencies;
    }
  }
}
