package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class DenoisingLoopTest {
  @Test
  void interleavesPlanesToRgb() {
    // Two pixels: planes of red, green, blue.
    float[] planes = {-1, 1, 0, -1, 1, -1};
    assertThat(DenoisingLoop.toRgb(planes)).containsExactly(bytes(0, 128, 255, 255, 0, 0));
  }

  @Test
  void cutsOffWhatLiesOutsideOfTheRange() {
    assertThat(DenoisingLoop.toRgb(new float[] {-3, 7, 1.001f}))
        .containsExactly(bytes(0, 255, 255));
  }

  @Test
  void roundsHalvesToEvenAsNumPyDoes() {
    float even = 2 * (126.5f / 255) - 1;
    float odd = 2 * (127.5f / 255) - 1;
    assertThat(DenoisingLoop.unit(even) * 255).isEqualTo(126.5f);
    assertThat(DenoisingLoop.unit(odd) * 255).isEqualTo(127.5f);
    assertThat(DenoisingLoop.toRgb(new float[] {even, odd, odd}))
        .containsExactly(bytes(126, 128, 128));
  }

  @Test
  void refusesPixelsThatAreNoNumbers() {
    assertThatThrownBy(() -> DenoisingLoop.toRgb(new float[] {0, Float.NaN, 0}))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("channel 1");
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
