package io.shardlight.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExampleIdsTest {
  @Test
  void aMillionIdsAreToldApart() {
    ExampleIds ids = new ExampleIds();
    int count = 1_000_000;
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < count; i++) {
      assertThat(ids.add(random.nextLong(), random.nextLong())).isTrue();
    }

    assertThat(ids.size()).isEqualTo(count);
    SplittableRandom again = new SplittableRandom(1);
    SplittableRandom others = new SplittableRandom(2);
    for (int i = 0; i < count; i++) {
      long high = again.nextLong();
      long low = again.nextLong();
      if (i % 1000 == 0) {
        assertThat(ids.add(high, low)).isFalse();
        assertThat(ids.contains(ExampleIds.id(high, low))).isTrue();
        assertThat(ids.contains(ExampleIds.id(low, high))).isFalse();
        assertThat(ids.contains(ExampleIds.id(others.nextLong(), low))).isFalse();
      }
    }
    assertThat(ids.size()).isEqualTo(count);
  }

  @Test
  void idsWithTheSameHashAndZeroAreIdsToo() {
    ExampleIds ids = new ExampleIds();

    assertThat(ids.contains("0".repeat(32))).isFalse();
    for (int i = 0; i < 3000; i++) {
      // All of them want the same slot.
      assertThat(ids.add((long) i << 32, i)).isTrue();
    }
    assertThat(ids.add(0, 0)).isFalse();
    assertThat(ids.contains("0".repeat(32))).isTrue();
    assertThat(ids.contains("00000bb7" + "0".repeat(8) + "0".repeat(12) + "0bb7")).isTrue();
    assertThat(ids.contains("00000bb8" + "0".repeat(8) + "0".repeat(12) + "0bb8")).isFalse();
    assertThat(ids.size()).isEqualTo(3000);
  }

  @Test
  void idsAreLowerCaseHexadecimalDigits() {
    assertThat(ExampleIds.isId("0123456789abcdef0123456789abcdef")).isTrue();
    assertThat(ExampleIds.isId("0123456789ABCDEF0123456789abcdef")).isFalse();
    assertThat(ExampleIds.isId("0123456789abcdef0123456789abcde")).isFalse();
    assertThat(ExampleIds.isId("../456789abcdef0123456789abcdef.")).isFalse();
    assertThat(ExampleIds.id(1, -1)).isEqualTo("0000000000000001ffffffffffffffff");
  }
}
