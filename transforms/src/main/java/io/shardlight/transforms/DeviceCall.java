package io.shardlight.transforms;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A call into native code on a thread of its own, so that the caller can stop waiting for it. The
 * thread does not keep the JVM alive. For one thread that waits.
 */
final class DeviceCall<T> {
  private final Thread thread;

  /** Written by the thread before it ends, read after. */
  private @Nullable T result;

  private @Nullable Throwable failure;

  private DeviceCall(String name, Callable<T> body) {
    this.thread =
        new Thread(
            () -> {
              try {
                result = body.call();
              } catch (Throwable e) {
                // Errors too: they are the caller's to see.
                failure = e;
              }
            },
            name);
    thread.setDaemon(true);
  }

  static <T> DeviceCall<T> start(String name, Callable<T> body) {
    DeviceCall<T> call = new DeviceCall<>(name, body);
    call.thread.start();
    return call;
  }

  /**
   * @return false if it is still running after that time
   */
  boolean join(Timepiece time, Duration longest) throws InterruptedException {
    return time.join(thread, longest);
  }

  /** As {@link #join}; an interrupt is kept for later. */
  boolean joinUninterruptibly(Timepiece time, Duration longest) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return join(time, longest);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  void interrupt() {
    thread.interrupt();
  }

  /** What it returned or threw, once it has ended. */
  T result() throws InterruptedException {
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof InterruptedException interrupt) {
      throw interrupt;
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
    return Optional.ofNullable(result).orElseThrow();
  }

  /** An exception with the stack of the thread as it is now. */
  Throwable whereItIs() {
    Throwable where = new Throwable(thread.getName() + " is still there");
    where.setStackTrace(thread.getStackTrace());
    return where;
  }
}
