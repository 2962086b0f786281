package io.shardlight.engines.pjrt;

import ai.djl.engine.EngineException;
import io.shardlight.engines.pjrt.client.PjrtClient;
import org.jspecify.annotations.Nullable;

/**
 * How programs compute attention.
 *
 * @param longestFusedHead widest head that {@link CudnnAttention} is written for; where it does not
 *     fit, attention is products and softmax in operations of StableHLO, softmax in float32
 */
record AttentionForm(int longestFusedHead) {
  /** In operations that every compiler knows. */
  static final AttentionForm PLAIN = new AttentionForm(0);

  private static final AttentionForm AMPERE = new AttentionForm(128);
  private static final AttentionForm HOPPER = new AttentionForm(256);

  private static final String PROPERTY = "shardlight.pjrt.attention";
  private static final String CAPABILITY = "compute_capability";
  private static final double AMPERE_CAPABILITY = 8;
  private static final double HOPPER_CAPABILITY = 9;

  /**
   * cuDNN's on NVIDIA's GPUs that have it; {@code -Dshardlight.pjrt.attention=plain} and {@code
   * cudnn} decide without looking.
   */
  static AttentionForm of(PjrtClient client) {
    String name = System.getProperty(PROPERTY, "auto");
    return switch (name) {
      case "plain" -> PLAIN;
      case "cudnn" -> HOPPER;
      case "auto" ->
          client.platformName().equals("cuda")
              ? ofCapability(client.devices().get(0).attributes().get(CAPABILITY))
              : PLAIN;
      default ->
          throw new EngineException(
              "-D" + PROPERTY + " must be auto, cudnn or plain, but was " + name);
    };
  }

  /**
   * @param capability as CUDA writes it, such as {@code 9.0}; anything else has no fused kernel
   */
  static AttentionForm ofCapability(@Nullable Object capability) {
    double number;
    try {
      number = Double.parseDouble(String.valueOf(capability));
    } catch (NumberFormatException e) {
      return PLAIN;
    }
    if (number >= HOPPER_CAPABILITY) {
      return HOPPER;
    }
    return number >= AMPERE_CAPABILITY ? AMPERE : PLAIN;
  }

  /** Whether cuDNN's kernel computes this. */
  boolean isFused(Value query, boolean causal) {
    return query.dimension(3) <= longestFusedHead && CudnnAttention.fits(query, causal);
  }
}
