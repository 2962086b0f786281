package io.shardlight.diffusion.weights;

/** Which framework's program a checkpoint was saved by; their arithmetic differs in details. */
public enum Origin {
  /** PyTorch weights: safetensors. */
  TORCH,
  /** JAX weights: msgpack of {@code flax.serialization}. */
  FLAX
}
