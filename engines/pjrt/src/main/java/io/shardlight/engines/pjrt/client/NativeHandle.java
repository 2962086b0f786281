package io.shardlight.engines.pjrt.client;

import java.util.function.LongConsumer;

/**
 * A plugin's object that is destroyed once: when it is closed and nobody uses it any more. Whoever
 * closes does not wait: the last user destroys. Thread-safe.
 */
final class NativeHandle {
  private final String name;
  private final long address;
  private final LongConsumer destroyer;

  /** Guarded by this; the owner counts as one until it closes. */
  private int users = 1;

  /** Guarded by this. */
  private boolean closed;

  /**
   * @param name for messages
   * @param destroyer gets the address, once
   */
  NativeHandle(String name, long address, LongConsumer destroyer) {
    this.name = name;
    this.address = address;
    this.destroyer = destroyer;
  }

  /**
   * Keeps the object from being destroyed until {@link #release}.
   *
   * @throws IllegalStateException if it is closed
   */
  synchronized long acquire() {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    users++;
    return address;
  }

  /** Keeps the object once more, for somebody who keeps it already, closed or not. */
  synchronized void retain() {
    if (users == 0) {
      throw new IllegalStateException(name + " is destroyed");
    }
    users++;
  }

  /** Ends what {@link #acquire} or {@link #retain} began. */
  void release() {
    boolean last;
    synchronized (this) {
      users--;
      last = users == 0;
    }
    if (last) {
      destroyer.accept(address);
    }
  }

  /** Refuses new users, and destroys the object if there are none; the second time does nothing. */
  void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    release();
  }

  synchronized boolean isClosed() {
    return closed;
  }
}
