package io.shardlight.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Threads that draw, and how they come to their end. */
final class Lanes {
  private Lanes() {}

  /**
   * Waits for all, also after a failure or an interrupt, so that no device still works when this
   * returns; what has not ended by then is told to stop.
   */
  static <R> List<R> await(List<Future<R>> begun, AtomicBoolean stopped)
      throws InterruptedException {
    List<R> results = new ArrayList<>(begun.size());
    Throwable failure = null;
    boolean interrupted = false;
    for (Future<R> future : begun) {
      boolean ended = false;
      while (!ended) {
        try {
          results.add(future.get());
          ended = true;
        } catch (InterruptedException e) {
          interrupted = true;
          stopped.set(true);
        } catch (ExecutionException e) {
          ended = true;
          stopped.set(true);
          failure = failure == null ? e.getCause() : failure;
        }
      }
    }
    if (interrupted) {
      throw new InterruptedException("interrupted while drawing");
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
    return results;
  }

  /** A program closed under a running lane would take the process with it. */
  static void terminate(ExecutorService lanes) {
    lanes.shutdown();
    boolean interrupted = false;
    boolean terminated = false;
    while (!terminated) {
      try {
        terminated = lanes.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
