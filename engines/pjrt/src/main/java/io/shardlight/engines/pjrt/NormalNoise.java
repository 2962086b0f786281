package io.shardlight.engines.pjrt;

import java.util.List;

/**
 * Writes {@code jax.random.normal} of a batch of keys, each drawing the same count of numbers, and
 * {@code fold_in}, with {@code jax_threefry_partitionable=False}: {@code
 * io.shardlight.diffusion.random.JaxRandom} on the device.
 *
 * @see <a href="https://doi.org/10.1145/2063384.2063405">Salmon et al., Parallel Random Numbers: As
 *     Easy as 1, 2, 3 (SC11), section 3.3</a>
 */
final class NormalNoise {
  /** Random123, R_32x2, and the parity of its key schedule. */
  private static final int[] ROTATIONS = {13, 15, 26, 6, 17, 29, 16, 24};

  private static final int ROUNDS = 20;
  private static final long PARITY = 0x1BD11BDAL;

  private final HloFunction hlo;

  NormalNoise(HloFunction hlo) {
    this.hlo = hlo;
  }

  /**
   * @param keys uint32 {@code [batch, 2]}
   * @param count even
   * @return float32 {@code [batch, count]}, standard normal
   */
  Value draw(Value keys, long count) {
    if (count % 2 != 0) {
      throw new IllegalArgumentException("the count of numbers must be even, but was " + count);
    }
    // The counters 0 ... count-1 in halves: the first and the second words of the blocks.
    long half = count / 2;
    TensorType words = TensorType.of(ElementType.U32, keys.dimension(0), half);
    Value low = hlo.iota(words, 1);
    Value high = hlo.binary("add", low, (double) half);
    Value bits =
        hlo.concatenate(1, threefry(word(keys, 0, words), word(keys, 1, words), low, high));
    return normal(bits);
  }

  /**
   * {@code jax.random.fold_in}.
   *
   * @param keys uint32 {@code [batch, 2]}
   * @param data a uint32, for all of them
   * @return uint32 {@code [batch, 2]}
   */
  Value foldIn(Value keys, Value data) {
    TensorType column = TensorType.of(ElementType.U32, keys.dimension(0), 1);
    Value low = hlo.broadcast(data, column.shape());
    return hlo.concatenate(
        1, threefry(word(keys, 0, column), word(keys, 1, column), hlo.splat(column, 0), low));
  }

  private Value word(Value keys, int index, TensorType type) {
    Value column = hlo.reshape(hlo.slice(keys, 1, index, index + 1), keys.dimension(0));
    return hlo.broadcast(column, type.shape(), 0);
  }

  /** The block function: two words of key and counter each to two random words. */
  private List<Value> threefry(Value key0, Value key1, Value counter0, Value counter1) {
    Value key2 = hlo.binary("xor", hlo.binary("xor", key0, key1), PARITY);
    Value[] keys = {key0, key1, key2};
    Value x0 = hlo.add(counter0, key0);
    Value x1 = hlo.add(counter1, key1);
    for (int round = 0; round < ROUNDS; round++) {
      x0 = hlo.add(x0, x1);
      x1 = hlo.binary("xor", rotate(x1, ROTATIONS[round % ROTATIONS.length]), x0);
      if (round % 4 == 3) {
        int injection = round / 4 + 1;
        x0 = hlo.add(x0, keys[injection % 3]);
        x1 = hlo.binary("add", hlo.add(x1, keys[(injection + 1) % 3]), injection);
      }
    }
    return List.of(x0, x1);
  }

  private Value rotate(Value x, int distance) {
    return hlo.binary(
        "or",
        hlo.binary("shift_left", x, distance),
        hlo.binary("shift_right_logical", x, Integer.SIZE - distance));
  }

  /** The inverse error function of uniform numbers in (-1, 1). */
  private Value normal(Value bits) {
    // 23 random bits as the fraction of a float in [1, 2)
    Value fraction = hlo.binary("shift_right_logical", bits, 9);
    Value oneToTwo =
        hlo.bitcast(hlo.binary("or", fraction, Float.floatToRawIntBits(1f)), ElementType.F32);
    Value unit = hlo.binary("subtract", oneToTwo, 1);
    float least = Math.nextUp(-1f);
    Value uniform =
        hlo.binary("maximum", hlo.binary("add", hlo.multiply(unit, 1 - least), least), least);
    return hlo.multiply(hlo.erfInv(uniform), (float) Math.sqrt(2));
  }
}
