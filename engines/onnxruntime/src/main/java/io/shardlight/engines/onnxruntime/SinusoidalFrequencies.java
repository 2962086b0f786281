package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Op;

/**
 * The frequencies of a timestep embedding, in the float32 steps of diffusers' {@code
 * get_timestep_embedding}: at timestep 981 one unit in the last place of a frequency already moves
 * the sine by 6e-5, so double precision here would be further from the reference, not closer.
 */
final class SinusoidalFrequencies {
  private SinusoidalFrequencies() {}

  static float[] of(Op.SinusoidalEmbedding op) {
    int half = op.dimension() / 2;
    float[] frequencies = new float[half];
    for (int i = 0; i < half; i++) {
      float exponent = (float) -Math.log(10000) * i / (half - op.frequencyShift());
      frequencies[i] = (float) Math.exp(exponent);
    }
    return frequencies;
  }
}
