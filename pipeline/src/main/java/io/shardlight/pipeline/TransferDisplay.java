package io.shardlight.pipeline;

import io.shardlight.diffusion.transfer.TransferProgress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Shows on standard error how much of a model has come, or gone. Thread-safe. */
final class TransferDisplay implements TransferProgress, AutoCloseable {
  private final String what;
  private final LongSupplier nanoClock;
  private final long startNanos;
  private final AtomicLong planned = new AtomicLong();
  private final AtomicLong done = new AtomicLong();
  private final ProgressDisplay display;

  /**
   * @param what is done to which model, "Fetching hf://owner/name"
   */
  TransferDisplay(String what, Console console) {
    this(what, console, System::nanoTime);
  }

  TransferDisplay(String what, Console console, LongSupplier nanoClock) {
    this.what = what;
    this.nanoClock = nanoClock;
    this.startNanos = nanoClock.getAsLong();
    this.display = new ProgressDisplay(console.err(), console.columns(), this::text, nanoClock);
    display.start();
  }

  @Override
  public void plan(long bytes) {
    planned.addAndGet(bytes);
  }

  @Override
  public void advance(long bytes) {
    done.addAndGet(bytes);
  }

  @Override
  public void notice(String line) {
    display.println(line);
  }

  Text text() {
    return new Text(
        what, done.get(), planned.get(), Duration.ofNanos(nanoClock.getAsLong() - startNanos));
  }

  @Override
  public void close() {
    display.close();
  }

  /**
   * One moment of it.
   *
   * @param total bytes; 0 while they are not known
   */
  record Text(String what, long done, long total, Duration since) implements ProgressText {
    @Override
    public String line() {
      return what + figures(": ");
    }

    @Override
    public String bar(int columns) {
      return total == 0
          ? Progress.clip(line(), columns)
          : Progress.bar(figures(" "), columns, Math.min(done, total), total);
    }

    private String figures(String separator) {
      if (total == 0) {
        return "";
      }
      double perSecond = since.isZero() ? 0 : done / (since.toNanos() / 1e9);
      String text = separator + Progress.bytes(done) + " of " + Progress.bytes(total);
      if (perSecond >= 1) {
        Duration left = Duration.ofSeconds((long) ((total - done) / perSecond));
        text += ", " + Progress.bytes((long) perSecond) + "/s";
        text += done < total ? ", " + Progress.duration(left) + " left" : "";
      }
      return text;
    }
  }
}
