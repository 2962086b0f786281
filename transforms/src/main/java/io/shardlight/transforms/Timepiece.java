package io.shardlight.transforms;

import java.io.Serializable;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The time that passes, and waiting for it. Thread-safe. */
interface Timepiece extends Serializable {
  /** As {@link System#nanoTime}. */
  long nanoTime();

  void sleep(Duration duration) throws InterruptedException;

  /**
   * Waits for a thread to end.
   *
   * @return false if it is still running after that time
   */
  boolean join(Thread thread, Duration longest) throws InterruptedException;

  /** The machine's own. */
  static Timepiece system() {
    return OfSystem.INSTANCE;
  }

  /** An enum, so that it stays one when a transform travels. */
  enum OfSystem implements Timepiece {
    INSTANCE;

    @Override
    public long nanoTime() {
      return System.nanoTime();
    }

    @Override
    public void sleep(Duration duration) throws InterruptedException {
      TimeUnit.NANOSECONDS.sleep(duration.toNanos());
    }

    @Override
    public boolean join(Thread thread, Duration longest) throws InterruptedException {
      TimeUnit.NANOSECONDS.timedJoin(thread, longest.toNanos());
      return !thread.isAlive();
    }
  }
}
