package io.shardlight.pipeline;

import java.io.PrintStream;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Shows progress on standard error: on a terminal a bar that stays on its line, elsewhere plain
 * lines, after 10 seconds, then at growing intervals up to a minute. Other lines printed meanwhile
 * go through {@link #println}, above the bar. Thread-safe.
 */
final class ProgressDisplay implements AutoCloseable {
  private static final long TICK_MILLIS = 200;
  private static final Duration FIRST_LINE = Duration.ofSeconds(10);
  private static final Duration LONGEST_INTERVAL = Duration.ofSeconds(60);

  /** ANSI "erase to the end of the line" (ECMA-48, EL). */
  private static final String ERASE = "\r\u001b[K";

  private final PrintStream err;
  private final OptionalInt columns;
  private final Supplier<? extends ProgressText> source;
  private final LongSupplier nanoClock;
  private final ScheduledExecutorService ticker =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "shardlight-progress");
            thread.setDaemon(true);
            return thread;
          });
  private long nextLineNanos;
  private Duration interval = FIRST_LINE;
  private String shown = "";
  private boolean closed;

  /**
   * Prepares a display; {@link #start} makes it tick.
   *
   * @param columns width of the terminal; empty if {@code err} is none
   * @param nanoClock as {@link System#nanoTime}
   */
  ProgressDisplay(
      PrintStream err,
      OptionalInt columns,
      Supplier<? extends ProgressText> source,
      LongSupplier nanoClock) {
    this.err = err;
    this.columns = columns;
    this.source = source;
    this.nanoClock = nanoClock;
    this.nextLineNanos = nanoClock.getAsLong() + FIRST_LINE.toNanos();
  }

  @SuppressWarnings("FutureReturnValueIgnored") // Ends with the ticker.
  void start() {
    ticker.scheduleWithFixedDelay(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Shows what is due now. */
  synchronized void tick() {
    if (closed) {
      return;
    }
    // Asked at every tick, shown or not: the source takes its times when it is asked.
    ProgressText progress = source.get();
    if (columns.isPresent()) {
      // A full last column would make some terminals wrap.
      String bar = progress.bar(columns.getAsInt() - 1);
      if (!bar.equals(shown)) {
        err.print(ERASE + bar);
        err.flush();
        shown = bar;
      }
      return;
    }
    long now = nanoClock.getAsLong();
    if (now - nextLineNanos >= 0) {
      err.println(progress.line());
      Duration longer = interval.multipliedBy(2);
      interval = longer.compareTo(LONGEST_INTERVAL) < 0 ? longer : LONGEST_INTERVAL;
      nextLineNanos = now + interval.toNanos();
    }
  }

  /** Prints a line of something else, above the bar. */
  synchronized void println(String line) {
    if (!shown.isEmpty()) {
      err.print(ERASE);
      shown = "";
    }
    err.println(line);
  }

  /** Takes the bar away. */
  @Override
  public synchronized void close() {
    closed = true;
    ticker.shutdownNow();
    if (!shown.isEmpty()) {
      err.print(ERASE);
      err.flush();
      shown = "";
    }
  }
}
