package io.shardlight.diffusion.random;

/**
 * A key of JAX's threefry2x32 generator: two unsigned 32-bit words, JAX's {@code uint32[2]}.
 *
 * @param high the first word, the upper half of a 64-bit seed
 * @param low the second word, the lower half of the seed
 */
public record PrngKey(int high, int low) {
  /**
   * The key that {@code jax.random.PRNGKey(seed)} gives under JAX's defaults, which compute in 32
   * bits: the seed modulo 2³², and zero for the first word.
   */
  public static PrngKey ofSeed(long seed) {
    return new PrngKey(0, (int) seed);
  }

  /** The key that {@code jax.random.PRNGKey(seed)} gives under {@code jax_enable_x64}. */
  public static PrngKey ofSeed64(long seed) {
    return new PrngKey((int) (seed >>> 32), (int) seed);
  }

  @Override
  public String toString() {
    return "[" + Integer.toUnsignedString(high) + ", " + Integer.toUnsignedString(low) + "]";
  }
}
