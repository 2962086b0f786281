package io.shardlight.diffusion.graph;

/**
 * Widens 16-bit floating-point numbers, of which every value has an exact float32, and rounds to
 * them. Java 17 has no methods for it.
 */
public final class HalfPrecision {
  private HalfPrecision() {}

  /** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
  public static float fromFloat16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = bits >>> 10 & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0) { // zero, or subnormal: fraction * 2^-24
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    // Rebias from 15 to 127; all ones means infinity or not-a-number in both formats.
    int wide = exponent == 0x1f ? 0xff : exponent + (127 - 15);
    return Float.intBitsToFloat(sign | wide << 23 | fraction << 13);
  }

  /**
   * The nearest binary16, of two the one with an even fraction; infinity from 65520 on, subnormal
   * below 2<sup>-14</sup>.
   */
  public static short toFloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 65520) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x1p-14f) {
      // Adding 2^-1 leaves as many bits behind the point as subnormals have, rounded to even.
      float aligned = magnitude + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(aligned) - Float.floatToRawIntBits(0.5f)));
    }
    int rebiased = (bits & 0x7fffffff) - ((127 - 15) << 23);
    int tie = rebiased >>> 13 & 1;
    return (short) (sign | ((rebiased + 0xfff + tie) >>> 13));
  }

  /** bfloat16: the upper half of a float32. */
  public static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
