package io.shardlight.gallery;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Works on items on all processors and hands the results over one by one, in the items' order. */
final class InOrder {
  /** Turns an item into a result, on any thread. */
  interface Work<A, B> {
    B of(A item) throws IOException;
  }

  /** Takes a result, on the caller's thread. */
  interface Sink<A, B> {
    void take(A item, B result) throws IOException;
  }

  private record Pending<A, B>(A item, Future<B> result) {}

  private InOrder() {}

  /** At most two results a processor wait to be taken, so that memory stays small. */
  static <A, B> void forEach(List<A> items, Work<A, B> work, Sink<A, B> sink)
      throws IOException, InterruptedException {
    int processors = Runtime.getRuntime().availableProcessors();
    ExecutorService threads =
        Executors.newFixedThreadPool(
            processors,
            runnable -> {
              Thread thread = new Thread(runnable, "shardlight-gallery");
              thread.setDaemon(true);
              return thread;
            });
    try {
      Deque<Pending<A, B>> pending = new ArrayDeque<>();
      for (A item : items) {
        if (pending.size() == 2 * processors) {
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
      throw new IllegalStateException("a picture could not be drawn", e.getCause());
    }
    sink.take(pending.item(), result);
  }
}
