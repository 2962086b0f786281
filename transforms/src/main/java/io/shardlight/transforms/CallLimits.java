package io.shardlight.transforms;

import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * How long a call of the generator may take until it counts as stuck: far more than such calls took
 * here, so that only what would never end is given up. The first call of a kind compiles or loads
 * programs; its limit is an hour and what its pixels and steps would need at a twentieth of the
 * pace known, or on a machine of which nothing is known, ten minutes a step of 512x512. Not
 * thread-safe.
 */
final class CallLimits {
  private static final int FACTOR = 20;

  /** A virtual machine that moves to another host may stand still for minutes. */
  private static final Duration LEAST = Duration.ofMinutes(10);

  private static final Duration TO_COMPILE = Duration.ofHours(1);

  /** A hundred times what two cores need; see the benchmarks. */
  private static final double UNKNOWN_PACE = Duration.ofMinutes(10).toNanos();

  private static final double UNIT_PIXELS = 512 * 512;

  /** Calls that take equally long. */
  private record Call(Footprint footprint, SchedulerKind scheduler, int steps, int slots) {
    static Call of(List<ImageRequest> requests, int slots) {
      ImageRequest first = requests.get(0);
      return new Call(Footprint.of(first), first.scheduler(), first.steps(), slots);
    }

    /** Steps of 512x512, in work; attention grows with the square of the pixels. */
    double units() {
      double pixels = (double) footprint.widthPixels() * footprint.heightPixels() / UNIT_PIXELS;
      return slots * (steps + 1.0) * Math.max(pixels, pixels * pixels);
    }
  }

  private final Map<Call, Long> longestNanos = new HashMap<>();
  private OptionalDouble slowestPace = OptionalDouble.empty();

  Duration limit(List<ImageRequest> requests, int slots) {
    Call call = Call.of(requests, slots);
    Long longest = longestNanos.get(call);
    if (longest != null) {
      Duration limit = Duration.ofNanos(longest).multipliedBy(FACTOR);
      return limit.compareTo(LEAST) > 0 ? limit : LEAST;
    }
    double pace = slowestPace.isPresent() ? FACTOR * slowestPace.getAsDouble() : UNKNOWN_PACE;
    return TO_COMPILE.plusNanos((long) (call.units() * pace));
  }

  /** A call ended well after so long. */
  void ended(List<ImageRequest> requests, int slots, long nanos) {
    Call call = Call.of(requests, slots);
    // The first of its kind tells of compiling, not of the pace.
    if (longestNanos.containsKey(call)) {
      slowestPace = OptionalDouble.of(Math.max(slowestPace.orElse(0), nanos / call.units()));
    }
    longestNanos.merge(call, nanos, Math::max);
  }
}
