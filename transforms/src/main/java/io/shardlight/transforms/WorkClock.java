package io.shardlight.transforms;

/**
 * How long a JVM was at work on shards, several at once counted once. The slices that {@link #end}
 * hands out never overlap, so that they may be added up. Thread-safe.
 */
final class WorkClock {
  private final Timepiece time;
  private int atWork;
  private long sinceNanos;

  WorkClock(Timepiece time) {
    this.time = time;
  }

  synchronized void begin() {
    if (atWork++ == 0) {
      sinceNanos = time.nanoTime();
    }
  }

  /**
   * A shard is done.
   *
   * @return nanoseconds since the last one was, or since the first of them began
   */
  synchronized long end() {
    long now = time.nanoTime();
    long slice = now - sinceNanos;
    sinceNanos = now;
    atWork--;
    return slice;
  }

  /** A shard failed; the time goes to the others that are under way. */
  synchronized void abandon() {
    atWork--;
  }
}
