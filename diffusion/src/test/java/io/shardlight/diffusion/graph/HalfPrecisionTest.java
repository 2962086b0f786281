package io.shardlight.diffusion.graph;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class HalfPrecisionTest {
  @Test
  void everyFloat16HasTheValueOfItsDefinition() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      int exponent = bits >>> 10 & 0x1f;
      int fraction = bits & 0x3ff;
      double sign = bits < 0x8000 ? 1 : -1;
      float found = HalfPrecision.fromFloat16((short) bits);
      if (exponent == 31 && fraction != 0) {
        assertThat(found).as("%x", bits).isNaN();
        continue;
      }
      double wanted =
          switch (exponent) {
            case 0 -> sign * fraction * Math.pow(2, -24);
            case 31 -> sign * Double.POSITIVE_INFINITY;
            default -> sign * (1 + fraction / 1024.0) * Math.pow(2, exponent - 15);
          };
      // Float.compare tells -0 from 0.
      assertThat(Float.compare(found, (float) wanted)).as("%x is %s", bits, found).isZero();
    }
  }

  @Test
  void everyFloat16IsRoundedToItselfAndWhatLiesBetweenToTheNearest() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float exact = HalfPrecision.fromFloat16((short) bits);
      assertThat(HalfPrecision.toFloat16(exact)).isEqualTo((short) bits);
      assertThat(HalfPrecision.toFloat16(-exact)).isEqualTo((short) (bits | 0x8000));
      // The one above the largest would be 65536.
      float above = bits == 0x7bff ? 0x1p16f : HalfPrecision.fromFloat16((short) (bits + 1));
      float middle = (exact + above) / 2;
      int even = bits % 2 == 0 ? bits : bits + 1;
      assertThat(HalfPrecision.toFloat16(middle)).as("tie above %x", bits).isEqualTo((short) even);
      assertThat(HalfPrecision.toFloat16(Math.nextDown(middle))).isEqualTo((short) bits);
      assertThat(HalfPrecision.toFloat16(Math.nextUp(middle))).isEqualTo((short) (bits + 1));
    }
    assertThat(HalfPrecision.toFloat16(Float.MAX_VALUE)).isEqualTo((short) 0x7c00);
    assertThat(HalfPrecision.toFloat16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xfc00);
    assertThat(HalfPrecision.fromFloat16(HalfPrecision.toFloat16(Float.NaN))).isNaN();
    assertThat(HalfPrecision.toFloat16(Float.MIN_VALUE)).isZero();
  }

  @Test
  void everyBfloat16IsTheUpperHalfOfItsFloat() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float found = HalfPrecision.fromBfloat16((short) bits);
      assertThat(Float.floatToRawIntBits(found)).isEqualTo(bits << 16);
    }
    assertThat(HalfPrecision.fromBfloat16((short) 0xbfc0)).isEqualTo(-1.5f);
  }
}
