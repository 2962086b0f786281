package io.shardlight.transforms;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Time that passes when somebody waits for it, and at once. A thread that {@link #hang}s is waited
 * for in vain.
 *
 * @param id under which all copies of this keep one time
 */
record FakeTime(String id) implements Timepiece {
  private static final Map<String, State> STATES = new ConcurrentHashMap<>();

  private static final class State {
    final AtomicLong nanos = new AtomicLong(1_000_000_000L);
    final List<Duration> sleeps = new CopyOnWriteArrayList<>();
    final List<Duration> limits = new CopyOnWriteArrayList<>();
    final Set<Thread> hung = ConcurrentHashMap.newKeySet();
    final CountDownLatch released = new CountDownLatch(1);
  }

  FakeTime() {
    this(UUID.randomUUID().toString());
  }

  private State state() {
    return STATES.computeIfAbsent(id, name -> new State());
  }

  @Override
  public long nanoTime() {
    return state().nanos.get();
  }

  void pass(Duration duration) {
    state().nanos.addAndGet(duration.toNanos());
  }

  @Override
  public void sleep(Duration duration) {
    state().sleeps.add(duration);
    pass(duration);
  }

  @Override
  public boolean join(Thread thread, Duration longest) throws InterruptedException {
    state().limits.add(longest);
    while (thread.isAlive()) {
      if (state().hung.contains(thread)) {
        pass(longest);
        return false;
      }
      thread.join(1);
    }
    return true;
  }

  /** Stays away, as native code does: no interrupt helps. Ends when {@link #release} is called. */
  void hang() {
    state().hung.add(Thread.currentThread());
    boolean released = false;
    while (!released) {
      try {
        state().released.await();
        released = true;
      } catch (InterruptedException e) {
        released = false;
      }
    }
  }

  void release() {
    state().released.countDown();
  }

  List<Duration> sleeps() {
    return state().sleeps;
  }

  /** How long each call of the generator, and each closing, might have taken. */
  List<Duration> limits() {
    return state().limits;
  }
}
