package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class CallLimitsTest {
  private final CallLimits limits = new CallLimits();

  private static List<ImageRequest> request(int pixels, int steps) {
    return List.of(
        new ImageRequest(
            "fox", "", PrngKey.ofSeed(1), pixels, pixels, SchedulerKind.PNDM, steps, 7.5f));
  }

  @Test
  void aFirstCallMayCompileAndWorkAsSlowlyAsAnyMachine() {
    Duration limit = limits.limit(request(512, 50), 1);

    assertThat(limit).isBetween(Duration.ofHours(9), Duration.ofHours(10));
    assertThat(limits.limit(request(512, 50), 8)).isGreaterThan(limit.multipliedBy(7));
    assertThat(limits.limit(request(1024, 50), 1)).isGreaterThan(limit.multipliedBy(14));
    assertThat(limits.limit(request(8, 1), 1)).isBetween(Duration.ofHours(1), Duration.ofHours(2));
  }

  @Test
  void afterThatACallMayTakeManyTimesWhatSuchCallsTook() {
    limits.ended(request(512, 50), 1, Duration.ofMinutes(6).toNanos());
    limits.ended(request(512, 50), 1, Duration.ofMinutes(2).toNanos());

    assertThat(limits.limit(request(512, 50), 1)).isEqualTo(Duration.ofHours(2));
  }

  @Test
  void quickCallsMayStandStillForAWhile() {
    limits.ended(request(512, 50), 1, Duration.ofMillis(900).toNanos());

    assertThat(limits.limit(request(512, 50), 1)).isEqualTo(Duration.ofMinutes(10));
  }

  @Test
  void firstCallsOfOtherKindsGoByThePaceOfTheKnown() {
    Duration unknown = limits.limit(request(512, 20), 4);
    // The first of a kind compiles and tells nothing of the pace.
    limits.ended(request(512, 50), 1, Duration.ofMinutes(30).toNanos());
    assertThat(limits.limit(request(512, 20), 4)).isEqualTo(unknown);

    limits.ended(request(512, 50), 1, Duration.ofSeconds(51).toNanos());

    // A second a step; 84 of them, twenty times, and the hour.
    assertThat(limits.limit(request(512, 20), 4))
        .isEqualTo(Duration.ofHours(1).plusSeconds(20 * 84));
  }
}
