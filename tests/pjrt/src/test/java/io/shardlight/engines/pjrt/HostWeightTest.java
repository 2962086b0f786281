package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HostWeightTest {
  private static final float[] SPECIAL = {
    0f,
    -0f,
    1f,
    Float.MIN_VALUE,
    -Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.NaN,
    Float.intBitsToFloat(0x7f800001), // NaNs whose upper half alone would be an infinity
    Float.intBitsToFloat(0xff800001),
    Float.intBitsToFloat(0x3f808000), // halfway, the even one below
    Float.intBitsToFloat(0x3f818000), // halfway, the even one above
    Float.intBitsToFloat(0x3f808001),
    Float.intBitsToFloat(0x3f807fff),
    Float.intBitsToFloat(0x7f7f8000) // halfway between the largest and infinity
  };

  /** Float32 elements that no file holds. */
  private static final class Elements implements ParameterData {
    private final float[] values;

    private Elements(float[] values) {
      this.values = values;
    }

    @Override
    public String name() {
      return "w";
    }

    @Override
    public Shape shape() {
      return new Shape(values.length);
    }

    @Override
    public DataType dataType() {
      return DataType.FLOAT32;
    }

    @Override
    public Optional<FileRegion> region() {
      return Optional.empty();
    }

    @Override
    public void read(long start, FloatBuffer target) {
      target.put(values, (int) start, target.remaining());
    }
  }

  /** More than are converted at once, and twice, as staging memory is used again. */
  @Test
  void floatsAreRoundedToTheNearestBfloat16() throws IOException {
    HostWeight.Staging staging = new HostWeight.Staging();
    SplittableRandom random = new SplittableRandom(1);
    for (int count : new int[] {300_001, 70_000}) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = i < SPECIAL.length ? SPECIAL[i] : Float.intBitsToFloat(random.nextInt());
      }
      ByteBuffer rounded =
          HostWeight.read(new Elements(values), TensorType.of(ElementType.BF16, count), staging)
              .bytes();

      assertThat(rounded.remaining()).isEqualTo(2 * count);
      for (int i = 0; i < count; i++) {
        float result = Float.intBitsToFloat(rounded.getShort(2 * i) << 16);
        boolean right =
            Float.isNaN(values[i])
                ? Float.isNaN(result)
                : Float.floatToRawIntBits(result) == nearest(values[i]);
        assertThat(right)
            .as("%08x became %04x", Float.floatToRawIntBits(values[i]), rounded.getShort(2 * i))
            .isTrue();
      }
    }
  }

  /** By distances; the bits of the nearer of two neighbours whose lower halves are zero. */
  private static int nearest(float value) {
    int below = Float.floatToRawIntBits(value) & 0xffff0000; // towards zero
    int above = below + 0x10000;
    // Where there would be another exponent, infinity lies at 2^128.
    double beyond =
        Float.isInfinite(Float.intBitsToFloat(above))
            ? Math.copySign(0x1p128, value)
            : Float.intBitsToFloat(above);
    double toBelow = Math.abs((double) value - Float.intBitsToFloat(below));
    double toAbove = Math.abs(beyond - value);
    if (Float.isInfinite(value) || toBelow < toAbove) {
      return below;
    }
    return toBelow > toAbove || (below & 0x10000) != 0 ? above : below;
  }
}
