package io.shardlight.data;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Works on items on several threads, and hands the results over one by one, in the items' order.
 */
public final class InOrder {
  /** Turns an item into a result, on any thread. */
  public interface Work<A, B> {
    B of(A item) throws IOException;
  }

  /** Takes a result, on the caller's thread. */
  public interface Sink<A, B> {
    void take(A item, B result) throws IOException;
  }

  private record Pending<A, B>(A item, Future<B> result) {}

  private InOrder() {}

  /** Works on all processors. */
  public static <A, B> void forEach(Iterable<A> items, Work<A, B> work, Sink<A, B> sink)
      throws IOException, InterruptedException {
    forEach(items, Runtime.getRuntime().availableProcessors(), work, sink);
  }

  /**
   * Works on several items at once. At most two results a thread wait to be taken, so that memory
   * stays small.
   */
  public static <A, B> void forEach(
      Iterable<A> items, int parallelism, Work<A, B> work, Sink<A, B> sink)
      throws IOException, InterruptedException {
    ExecutorService threads =
        Executors.newFixedThreadPool(
            parallelism,
            runnable -> {
              Thread thread = new Thread(runnable, "shardlight-in-order");
              thread.setDaemon(true);
              return thread;
            });
    try {
      Deque<Pending<A, B>> pending = new ArrayDeque<>();
      for (A item : items) {
        if (pending.size() == 2 * parallelism) {
          take(pending.remove(), sink);
        }
        pending.add(new Pending<>(item, threads.submit(() -> work.of(item))));
      }
      while (!pending.isEmpty()) {
        take(pending.remove(), sink);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static <A, B> void take(Pending<A, B> pending, Sink<A, B> sink)
      throws IOException, InterruptedException {
    B result;
    try {
      result = pending.result().get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IllegalStateException("an item could not be worked on", e.getCause());
    }
    sink.take(pending.item(), result);
  }
}
