package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EncodingQueueTest {
  private final ExecutorService encoders = Executors.newFixedThreadPool(2);
  private final ExecutorService submitter = Executors.newSingleThreadExecutor();

  @AfterEach
  void stop() {
    encoders.shutdownNow();
    submitter.shutdownNow();
  }

  @Test
  void waitsForAllTasks() throws Exception {
    AtomicInteger done = new AtomicInteger();
    try (EncodingQueue queue = new EncodingQueue(encoders, 3)) {
      for (int i = 0; i < 50; i++) {
        queue.submit(done::incrementAndGet);
      }
      queue.await();
      assertThat(done).hasValue(50);
    }
  }

  @Test
  void submitWaitsWhileAllPlacesAreTaken() throws Exception {
    Queue<Runnable> held = new ArrayDeque<>();
    EncodingQueue queue = new EncodingQueue(held::add, 2);
    queue.submit(() -> {});
    queue.submit(() -> {});

    Future<?> third =
        submitter.submit(
            () -> {
              queue.submit(() -> {});
              return null;
            });

    assertThatThrownBy(() -> third.get(200, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    held.remove().run();
    third.get();
    assertThat(held).hasSize(2);
  }

  @Test
  void theFirstFailureIsThrownAndStopsWhatHasNotBegun() throws Exception {
    Queue<Runnable> held = new ArrayDeque<>();
    AtomicInteger done = new AtomicInteger();
    EncodingQueue queue = new EncodingQueue(held::add, 5);
    queue.submit(
        () -> {
          throw new IOException("disk full");
        });
    queue.submit(done::incrementAndGet);
    held.remove().run();
    held.remove().run();

    assertThat(done).hasValue(0);
    assertThatThrownBy(() -> queue.submit(done::incrementAndGet))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("disk full");
    assertThatThrownBy(queue::await).hasMessageContaining("disk full");
    queue.close();
  }

  @Test
  void afterCloseNothingRuns() throws Exception {
    CountDownLatch begun = new CountDownLatch(2);
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger done = new AtomicInteger();
    EncodingQueue queue = new EncodingQueue(encoders, 10);
    for (int i = 0; i < 10; i++) {
      queue.submit(
          () -> {
            begun.countDown();
            try {
              release.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            done.incrementAndGet();
          });
    }
    begun.await();
    Future<?> closing = submitter.submit(queue::close);
    assertThatThrownBy(() -> closing.get(200, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);

    release.countDown();
    closing.get();

    // The two that had begun ended; of the rest none did.
    assertThat(done).hasValue(2);
  }
}
