package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class WorkClockTest {
  private final FakeTime time = new FakeTime();
  private final WorkClock clock = new WorkClock(time);

  private void pass(int seconds) {
    time.pass(Duration.ofSeconds(seconds));
  }

  private long end() {
    return Duration.ofNanos(clock.end()).toSeconds();
  }

  @Test
  void workThatOverlapsIsCountedOnceAndIdleTimeNever() {
    clock.begin();
    pass(3);
    clock.begin();
    pass(4);
    assertThat(end()).isEqualTo(7);
    pass(5);
    assertThat(end()).isEqualTo(5);
    pass(100);
    clock.begin();
    pass(1);
    assertThat(end()).isEqualTo(1);
  }

  @Test
  void timeOfAFailedShardGoesToThoseBesideItOnly() {
    clock.begin();
    pass(3);
    clock.begin();
    pass(4);
    clock.abandon();
    pass(5);
    assertThat(end()).isEqualTo(12);

    clock.begin();
    pass(50);
    clock.abandon();
    pass(50);
    clock.begin();
    pass(2);
    assertThat(end()).isEqualTo(2);
  }
}
