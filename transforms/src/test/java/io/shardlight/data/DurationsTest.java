package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DurationsTest {
  private static Durations of(long... millis) {
    Durations.Recorder recorder = new Durations.Recorder();
    for (long value : millis) {
      recorder.record(Duration.ofMillis(value).toNanos());
    }
    return recorder.toDurations();
  }

  @Test
  void percentilesAreThoseOfSortedValuesToTwoDigits() {
    long[] millis = new Random(5).longs(10_000, 1, 400_000).toArray();
    Durations durations = of(millis);
    Arrays.sort(millis);

    assertThat(durations.count()).isEqualTo(10_000);
    assertThat(durations.percentileMillis(50).doubleValue())
        .isBetween(millis[4999] * 0.95, millis[4999] * 1.05);
    assertThat(durations.percentileMillis(95).doubleValue())
        .isBetween(millis[9499] * 0.95, millis[9499] * 1.05);
    assertThat(durations.percentileMillis(100).doubleValue())
        .isBetween(millis[9999] * 0.95, millis[9999] * 1.05);
    assertThat(of(7).percentileMillis(50)).isEqualByComparingTo("7");
    assertThat(of(70_000).percentileMillis(50)).hasToString("70000");
    assertThat(Durations.NONE.percentileMillis(95)).isZero();
  }

  @Test
  void addUpInAnyOrderToWhatOneWouldHaveCounted() {
    Durations few = of(1, 2, 3);
    Durations slow = of(90_000, 5);

    assertThat(Durations.sum(List.of(few, slow)))
        .isEqualTo(Durations.sum(List.of(slow, few)))
        .isEqualTo(of(90_000, 5, 3, 2, 1));
    assertThat(Durations.sum(List.of(Durations.NONE, few))).isEqualTo(few);
    assertThat(Durations.sum(List.of())).isEqualTo(Durations.NONE);
    assertThat(few).isEqualTo(of(1, 2, 3)).isNotEqualTo(of(1, 2, 4));
  }

  @Test
  void whatIsNoDurationIsCountedAsTheNearestThatIs() {
    Durations.Recorder recorder = new Durations.Recorder();
    recorder.record(-5);
    recorder.record(Long.MAX_VALUE);

    assertThat(recorder.toDurations().percentileMillis(100).longValue())
        .isBetween(Duration.ofDays(29).toMillis(), Duration.ofDays(31).toMillis());
  }

  @Test
  void comeBackFromBytesAndAreShort() {
    Durations durations = of(new Random(6).longs(1000, 900, 1100).toArray());

    assertThat(Durations.fromBytes(durations.toBytes())).isEqualTo(durations);
    assertThat(durations.toBytes()).hasSizeLessThan(300);
    byte[] cut = Arrays.copyOf(durations.toBytes(), 20);
    assertThatIllegalArgumentException().isThrownBy(() -> Durations.fromBytes(cut));
    assertThatIllegalArgumentException().isThrownBy(() -> Durations.fromBytes(new byte[60]));
  }
}
