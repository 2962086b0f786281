package io.shardlight.diffusion.weights;

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
  void everyBfloat16IsTheUpperHalfOfItsFloat() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float found = HalfPrecision.fromBfloat16((short) bits);
      assertThat(Float.floatToRawIntBits(found)).isEqualTo(bits << 16);
    }
    assertThat(HalfPrecision.fromBfloat16((short) 0xbfc0)).isEqualTo(-1.5f);
  }
}
