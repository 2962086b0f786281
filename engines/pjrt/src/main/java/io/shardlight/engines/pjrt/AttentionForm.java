package io.shardlight.engines.pjrt;

import ai.djl.engine.EngineException;
import java.util.Arrays;
import java.util.Locale;

/** How programs compute attention. */
enum AttentionForm {
  /** Products and softmax in operations of StableHLO, for every compiler; softmax in float32. */
  PLAIN,
  /** {@link CudnnAttention} where it fits: bfloat16 on an NVIDIA GPU. */
  CUDNN;

  private static final String PROPERTY = "shardlight.pjrt.attention";

  /** What {@code -Dshardlight.pjrt.attention} says. */
  static AttentionForm configured() {
    String name = System.getProperty(PROPERTY, "plain");
    try {
      return valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new EngineException(
          "-D"
              + PROPERTY
              + " must be one of "
              + Arrays.toString(values()).toLowerCase(Locale.ROOT)
              + ", but was "
              + name,
          e);
    }
  }
}
