package io.shardlight.diffusion.random;

/**
 * All the noise of one image, from its key alone: never from the batch, the device or the engine.
 * Written in JAX, with {@code jax_threefry_partitionable=False}, that is
 *
 * <pre>{@code
 * shape = (1, 4, height // 8, width // 8)
 * initial = jax.random.normal(key, shape)
 * added = jax.random.fold_in(key, 1)
 * noise_of_step = jax.random.normal(jax.random.fold_in(added, step), shape)
 * }</pre>
 *
 * <p>Steps count network calls from 0, and the noise of a step is what a scheduler adds after it.
 * The second key is there because the initial noise uses {@code key} itself: {@code fold_in(key,
 * step)} is a word pair of it for some steps, whereas 1 is none but for an image of two numbers.
 */
public final class ImageNoise {
  /** What the key of added noise is folded with. */
  private static final int ADDED = 1;

  private ImageNoise() {}

  /** Where the image begins: {@code count} standard normal numbers. */
  public static float[] initial(PrngKey key, int count) {
    return JaxRandom.normal(key, count, ThreefryMode.ORIGINAL);
  }

  /** What is added after a step, before it is scaled: {@code count} standard normal numbers. */
  public static float[] ofStep(PrngKey key, int step, int count) {
    PrngKey added = JaxRandom.foldIn(key, ADDED);
    return JaxRandom.normal(JaxRandom.foldIn(added, step), count, ThreefryMode.ORIGINAL);
  }
}
