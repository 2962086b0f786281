package io.shardlight.engines.pjrt.client;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.LongSupplier;

/**
 * Runs compilers on a thread with a deep stack: MLIR and LLVM recurse as deeply as a program nests,
 * and what overruns the usual 1 MB of a Java thread kills the process. Only what is touched costs
 * memory.
 */
final class DeepStack {
  private static final long STACK_BYTES = 64L << 20;

  private DeepStack() {}

  /** The caller waits, even when it is interrupted: a plugin's call cannot be. */
  static long call(String threadName, LongSupplier call) {
    FutureTask<Long> task = new FutureTask<>(call::getAsLong);
    new Thread(null, task, threadName, STACK_BYTES).start();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return task.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof PjrtException cause) {
        throw new PjrtException(cause.code(), cause.function(), cause.reason(), cause);
      }
      throw new IllegalStateException(threadName + " failed", e.getCause());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
