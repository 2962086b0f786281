package io.shardlight.transforms;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before a call is tried again: twice as long each time, and by chance between
 * half of that and all of it, so that workers that failed together don't come back together.
 *
 * @param retries how often, before the fault is the runner's to deal with
 * @param first delay at most before the first
 * @param longest delay at most before any
 */
record Backoff(int retries, Duration first, Duration longest) {
  /** Up to a minute and a half in all: a driver that resets needs seconds, a host far more. */
  static final Backoff OF_DEVICES = new Backoff(6, Duration.ofSeconds(1), Duration.ofSeconds(30));

  /**
   * @param retry counts from 0
   */
  Duration delay(int retry, RandomGenerator chance) {
    long cap = longest.toNanos();
    long nanos =
        retry >= Long.numberOfLeadingZeros(first.toNanos()) ? cap : first.toNanos() << retry;
    long most = Math.min(cap, nanos);
    return Duration.ofNanos(most / 2 + chance.nextLong(most - most / 2 + 1));
  }
}
