package io.shardlight.diffusion.random;

/**
 * The functions of {@code jax.random} that draw from a threefry2x32 key. Integers and uniform
 * floats equal JAX's bit for bit; normals are within 2e-6 of it. All functions are pure.
 *
 * <p>Arrays are flat: JAX draws an array of any shape as its elements in row-major order.
 *
 * @see <a href="https://github.com/jax-ml/jax/blob/main/jax/_src/prng.py">jax/_src/prng.py and
 *     random.py</a>
 */
public final class JaxRandom {
  private static final float SQRT2 = (float) Math.sqrt(2);

  private JaxRandom() {}

  /** {@code jax.random.split(key, n)}: n keys that are independent of each other and of key. */
  public static PrngKey[] split(PrngKey key, int n, ThreefryMode mode) {
    requireCount(n);
    PrngKey[] keys = new PrngKey[n];
    switch (mode) {
      case ORIGINAL -> {
        int[] words = originalWords(key, Math.multiplyExact(2, n));
        for (int i = 0; i < n; i++) {
          keys[i] = new PrngKey(words[2 * i], words[2 * i + 1]);
        }
      }
      case PARTITIONABLE -> {
        Threefry2x32 threefry = new Threefry2x32(key);
        for (int i = 0; i < n; i++) {
          keys[i] = keyOf(threefry.block(0, i));
        }
      }
    }
    return keys;
  }

  /** {@code jax.random.fold_in(key, data)}: a key for the data-th (unsigned) of many uses. */
  public static PrngKey foldIn(PrngKey key, int data) {
    return keyOf(new Threefry2x32(key).block(0, data));
  }

  /** {@code jax.random.bits(key, (count,), uint8)}. */
  public static byte[] bits8(PrngKey key, int count, ThreefryMode mode) {
    int[] bits = narrowBits(key, count, 8, mode);
    byte[] out = new byte[count];
    for (int i = 0; i < count; i++) {
      out[i] = (byte) bits[i];
    }
    return out;
  }

  /** {@code jax.random.bits(key, (count,), uint16)}. */
  public static short[] bits16(PrngKey key, int count, ThreefryMode mode) {
    int[] bits = narrowBits(key, count, 16, mode);
    short[] out = new short[count];
    for (int i = 0; i < count; i++) {
      out[i] = (short) bits[i];
    }
    return out;
  }

  /** Words whose lowest {@code width} bits are the numbers. */
  private static int[] narrowBits(PrngKey key, int count, int width, ThreefryMode mode) {
    requireCount(count);
    if (mode == ThreefryMode.PARTITIONABLE) {
      return bits32(key, count, mode); // the lowest bits of one word each
    }
    // the original mode cuts every word into 32 / width numbers, lowest bits first
    int perWord = 32 / width;
    int[] words = originalWords(key, ((long) count + perWord - 1) / perWord);
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      out[i] = words[i / perWord] >>> (width * (i % perWord));
    }
    return out;
  }

  /** {@code jax.random.bits(key, (count,), uint32)}. */
  public static int[] bits32(PrngKey key, int count, ThreefryMode mode) {
    requireCount(count);
    if (mode == ThreefryMode.ORIGINAL) {
      return originalWords(key, count);
    }
    Threefry2x32 threefry = new Threefry2x32(key);
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      long block = threefry.block(0, i);
      out[i] = (int) (block >>> 32) ^ (int) block;
    }
    return out;
  }

  /** {@code jax.random.bits(key, (count,), uint64)}. */
  public static long[] bits64(PrngKey key, int count, ThreefryMode mode) {
    requireCount(count);
    long[] out = new long[count];
    switch (mode) {
      case ORIGINAL -> { // upper words are drawn first, then all lower ones
        int[] words = originalWords(key, 2L * count);
        for (int i = 0; i < count; i++) {
          out[i] = (long) words[i] << 32 | Integer.toUnsignedLong(words[count + i]);
        }
      }
      case PARTITIONABLE -> {
        Threefry2x32 threefry = new Threefry2x32(key);
        for (int i = 0; i < count; i++) {
          out[i] = threefry.block(0, i);
        }
      }
    }
    return out;
  }

  /** {@code jax.random.uniform(key, (count,), float32)}: floats in [0, 1), multiples of 2⁻²³. */
  public static float[] uniform(PrngKey key, int count, ThreefryMode mode) {
    return uniform(key, count, 0f, 1f, mode);
  }

  /** {@code jax.random.uniform(key, (count,), float32, min, max)}: floats in [min, max). */
  public static float[] uniform(PrngKey key, int count, float min, float max, ThreefryMode mode) {
    int[] bits = bits32(key, count, mode);
    float[] out = new float[count];
    for (int i = 0; i < count; i++) {
      // 23 random bits as the fraction of a float in [1, 2)
      float unit = Float.intBitsToFloat(bits[i] >>> 9 | 0x3f800000) - 1f;
      out[i] = Math.max(min, unit * (max - min) + min);
    }
    return out;
  }

  /**
   * {@code jax.random.normal(key, (count,), float32)}: floats of the standard normal distribution.
   *
   * <p>For latents pass {@code 4 * height/8 * width/8} and read the result as NCHW.
   */
  public static float[] normal(PrngKey key, int count, ThreefryMode mode) {
    // erf⁻¹ of a uniform number in (-1, 1); the open end keeps it finite.
    float[] out = uniform(key, count, Math.nextUp(-1f), 1f, mode);
    for (int i = 0; i < count; i++) {
      out[i] = SQRT2 * ErfInv.erfInv(out[i]);
    }
    return out;
  }

  /**
   * The words of the counters 0 … n-1 in the original layout: counters i and i + ⌈n/2⌉ make block
   * i, whose words are numbers i and i + ⌈n/2⌉. An odd n is padded by one counter of zero.
   */
  private static int[] originalWords(PrngKey key, long n) {
    int count = Math.toIntExact(n);
    int half = count / 2 + count % 2;
    Threefry2x32 threefry = new Threefry2x32(key);
    int[] words = new int[count];
    for (int i = 0; i < half; i++) {
      boolean padded = half + i == count;
      long block = threefry.block(i, padded ? 0 : half + i);
      words[i] = (int) (block >>> 32);
      if (!padded) {
        words[half + i] = (int) block;
      }
    }
    return words;
  }

  private static PrngKey keyOf(long block) {
    return new PrngKey((int) (block >>> 32), (int) block);
  }

  private static void requireCount(int count) {
    if (count < 0) {
      throw new IllegalArgumentException(
          "the count of random numbers must not be negative, but was " + count);
    }
  }
}
