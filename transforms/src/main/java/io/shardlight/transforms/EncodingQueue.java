package io.shardlight.transforms;

import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs one shard's encoding and writing on other threads while the devices go on. Only so many
 * tasks are under way at once, so that images don't pile up in memory. The first failure stops what
 * has not begun, and is thrown at the next call. After {@link #close} no task runs any more. For
 * one thread that submits.
 */
final class EncodingQueue implements AutoCloseable {
  /** Encodes and writes one image. */
  interface Task {
    void run() throws IOException;
  }

  private final Executor executor;
  private final int capacity;
  private final Semaphore places;
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean closed;

  EncodingQueue(Executor executor, int capacity) {
    this.executor = executor;
    this.capacity = capacity;
    this.places = new Semaphore(capacity);
  }

  /** Waits for a place, then hands the task over. */
  void submit(Task task) throws IOException, InterruptedException {
    places.acquire();
    try {
      throwFailure();
      executor.execute(() -> run(task));
    } catch (RejectedExecutionException e) {
      places.release();
      throw new IOException(
          "the encoders must be running to take an image, but were shut down because their job is"
              + " ending",
          e);
    } catch (IOException | RuntimeException | Error e) {
      places.release();
      throw e;
    }
  }

  private void run(Task task) {
    try {
      if (!closed && failure.get() == null) {
        task.run();
      }
    } catch (IOException | RuntimeException | Error e) {
      failure.compareAndSet(null, e);
    } finally {
      places.release();
    }
  }

  /** Waits until all tasks are done; what they wrote is then visible. */
  void await() throws IOException, InterruptedException {
    places.acquire(capacity);
    places.release(capacity);
    throwFailure();
  }

  /** Drops what has not begun and waits for the rest. */
  @Override
  public void close() {
    closed = true;
    places.acquireUninterruptibly(capacity);
  }

  private void throwFailure() throws IOException {
    Throwable thrown = failure.get();
    if (thrown instanceof IOException e) {
      throw new IOException("an image could not be written: " + e.getMessage(), e);
    }
    if (thrown != null) {
      throw new IllegalStateException("an image could not be encoded: " + thrown, thrown);
    }
  }
}
