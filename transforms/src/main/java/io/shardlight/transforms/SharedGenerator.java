package io.shardlight.transforms;

import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A generator that all threads of a JVM share: loaded by the first that acquires it, closed when
 * the last releases it. Loading, closing and counting happen under one lock, so that nobody gets a
 * generator that is being closed and none is loaded twice. Beside it stand the threads that encode
 * its images. Thread-safe.
 */
final class SharedGenerator {
  private static final Logger LOG = LoggerFactory.getLogger(SharedGenerator.class);

  /** Guarded by itself, as are the counts. */
  private static final Map<String, SharedGenerator> BY_ID = new HashMap<>();

  private final String id;
  private final ImageGenerator generator;
  private final ExecutorService encoders;

  /** Fair, so that no shard starves while others use the devices. */
  private final ReentrantLock devices = new ReentrantLock(true);

  /** Whether the load has yet to be reported. */
  private final AtomicBoolean freshlyLoaded = new AtomicBoolean(true);

  private int users;

  /** Guarded by {@link #devices}. */
  private boolean closed;

  private volatile Optional<ImageRequest> lastDrawn = Optional.empty();

  private SharedGenerator(String id, ImageGenerator generator) {
    this.id = id;
    this.generator = generator;
    this.encoders =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            task -> {
              Thread thread = new Thread(task, "shardlight-encoder");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * @param id equal for all who are to share
   * @return to be released once
   */
  static SharedGenerator acquire(String id, GeneratorFactory factory) throws IOException {
    synchronized (BY_ID) {
      SharedGenerator shared = BY_ID.get(id);
      if (shared == null) {
        long start = System.nanoTime();
        shared = new SharedGenerator(id, factory.create());
        BY_ID.put(id, shared);
        LOG.info(
            "Replicated the weights in {} ms; {} images a batch",
            (System.nanoTime() - start) / 1_000_000,
            shared.slots());
      }
      shared.users++;
      return shared;
    }
  }

  /**
   * Closes the generator if nobody else has it, after the batch that is being drawn: a runner may
   * give up a user that is still at work, when another has failed. That one's next batch fails.
   */
  void release() {
    synchronized (BY_ID) {
      if (--users == 0) {
        BY_ID.remove(id);
        devices.lock();
        try {
          closed = true;
          encoders.shutdown();
          generator.close();
        } finally {
          devices.unlock();
        }
      }
    }
  }

  /** True once for each load, for whoever counts them: set-up has no metrics. */
  boolean takeLoad() {
    return freshlyLoaded.getAndSet(false);
  }

  int slots() {
    return generator.slots();
  }

  ExecutorService encoders() {
    return encoders;
  }

  /** A request that could be drawn in this JVM, if any has been. */
  Optional<ImageRequest> lastDrawn() {
    return lastDrawn;
  }

  /**
   * One batch on the devices, in turn with other threads.
   *
   * @param nanos takes how long the devices were at it, without the wait for one's turn, whether or
   *     not it succeeded
   * @throws GeneratorFault if the generator has been closed
   */
  List<GeneratedImage> generate(List<ImageRequest> requests, LongConsumer nanos)
      throws InterruptedException {
    devices.lockInterruptibly();
    try {
      if (closed) {
        throw new GeneratorFault(
            "the generator must be open to draw, but was closed because its job is ending");
      }
      long start = System.nanoTime();
      try {
        List<GeneratedImage> images = generator.generate(requests);
        lastDrawn = Optional.of(requests.get(0));
        return images;
      } finally {
        nanos.accept(System.nanoTime() - start);
      }
    } finally {
      devices.unlock();
    }
  }
}
