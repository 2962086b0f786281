package io.shardlight.diffusion.random;

/**
 * How JAX lays a block of random numbers out over counters; the two modes give different numbers
 * from one key.
 *
 * @see <a href="https://docs.jax.dev/en/latest/jax.random.html">jax.random, "PRNG configuration":
 *     jax_threefry_partitionable</a>
 */
public enum ThreefryMode {
  /**
   * {@code jax_threefry_partitionable=False}, the default until JAX 0.5.0 and the noise of this
   * project: the counters 0 … n-1 are cut into halves, which are the first and the second words of
   * the blocks. Numbers therefore depend on how many are drawn.
   */
  ORIGINAL,
  /**
   * {@code jax_threefry_partitionable=True}, the default since JAX 0.5.0: number <i>i</i> comes
   * from the 64-bit counter <i>i</i> alone, however many are drawn.
   */
  PARTITIONABLE
}
