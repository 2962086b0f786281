package io.shardlight.transforms;

import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.graph.DeviceFault;
import java.io.IOException;
import java.time.Duration;
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
 *
 * <p>When its devices are lost it draws nothing any more, is closed at once, and who acquires it
 * next gets one loaded anew. Devices also count as lost when a call does not end within {@link
 * CallLimits}: a native call cannot be broken off, so it is left to itself with all the memory it
 * holds, until the process ends.
 */
final class SharedGenerator {
  private static final Logger LOG = LoggerFactory.getLogger(SharedGenerator.class);

  /** Closing frees memory; it computes nothing. */
  private static final Duration TO_CLOSE = Duration.ofMinutes(1);

  /** Guarded by itself, as are the counts. Never taken by who has the devices. */
  private static final Map<String, SharedGenerator> BY_ID = new HashMap<>();

  private final String id;
  private final ImageGenerator generator;
  private final Timepiece time;
  private final ExecutorService encoders;
  private final BatchSizes sizes;
  private final WorkClock workClock;

  /** Fair, so that no shard starves while others use the devices. */
  private final ReentrantLock devices = new ReentrantLock(true);

  /** Guarded by {@link #devices}. */
  private final CallLimits limits = new CallLimits();

  /** Whether the load has yet to be reported. */
  private final AtomicBoolean freshlyLoaded = new AtomicBoolean(true);

  private int users;

  /** Why nothing can be drawn any more; written under {@link #devices}. */
  private volatile Optional<String> over = Optional.empty();

  private volatile boolean lost;
  private volatile Optional<ImageRequest> lastDrawn = Optional.empty();

  private SharedGenerator(String id, ImageGenerator generator, Timepiece time) {
    this.id = id;
    this.generator = generator;
    this.time = time;
    this.sizes = new BatchSizes(generator.slots());
    this.workClock = new WorkClock(time);
    this.encoders =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            task -> {
              Thread thread = new Thread(task, "shardlight-encoder");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** As {@link #acquire(String, GeneratorFactory, Timepiece)}, with the machine's own time. */
  static SharedGenerator acquire(String id, GeneratorFactory factory) throws IOException {
    return acquire(id, factory, Timepiece.system());
  }

  /**
   * @param id equal for all who are to share
   * @return to be released once
   */
  static SharedGenerator acquire(String id, GeneratorFactory factory, Timepiece time)
      throws IOException {
    synchronized (BY_ID) {
      SharedGenerator shared = BY_ID.get(id);
      if (shared == null || shared.lost) {
        long start = System.nanoTime();
        shared = new SharedGenerator(id, factory.create(), time);
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
   * For a user who keeps it for long: this one or, if its devices have been lost, one that works.
   *
   * @return to be released once, in the place of this
   */
  SharedGenerator orFresh(GeneratorFactory factory) throws IOException {
    if (!lost) {
      return this;
    }
    SharedGenerator fresh = acquire(id, factory, time);
    release();
    return fresh;
  }

  /**
   * Closes the generator if nobody else has it, after the batch that is being drawn: a runner may
   * give up a user that is still at work, when another has failed. That one's next batch fails.
   */
  void release() {
    synchronized (BY_ID) {
      if (--users == 0) {
        BY_ID.remove(id, this);
        devices.lock();
        try {
          encoders.shutdown();
          if (over.isEmpty()) {
            over = Optional.of("was closed because its job is ending");
            generator.close();
          }
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

  /** Whether nothing can be drawn with this one any more because of its devices. */
  boolean isLost() {
    return lost;
  }

  Timepiece time() {
    return time;
  }

  BatchSizes sizes() {
    return sizes;
  }

  WorkClock workClock() {
    return workClock;
  }

  /** A request that could be drawn in this JVM, if any has been. */
  Optional<ImageRequest> lastDrawn() {
    return lastDrawn;
  }

  /**
   * One batch on the devices, in turn with other threads.
   *
   * @param slots size of the batch that the devices run, at least as many as the requests
   * @param nanos takes how long the devices were at it, without the wait for one's turn, whether or
   *     not it succeeded
   * @throws GeneratorFault if the generator has been closed, or its devices are lost
   * @throws DeviceFault.Lost if they are lost now
   */
  List<GeneratedImage> generate(List<ImageRequest> requests, int slots, LongConsumer nanos)
      throws InterruptedException {
    devices.lockInterruptibly();
    try {
      if (over.isPresent()) {
        throw new GeneratorFault("the generator must be open to draw, but " + over.get());
      }
      long start = time.nanoTime();
      try {
        List<GeneratedImage> images = watch(requests, slots);
        limits.ended(requests, slots, time.nanoTime() - start);
        lastDrawn = Optional.of(requests.get(0));
        return images;
      } finally {
        nanos.accept(time.nanoTime() - start);
      }
    } catch (DeviceFault.Lost e) {
      giveUp(e);
      throw e;
    } finally {
      devices.unlock();
    }
  }

  /** Draws on a thread of its own, for no other can be left behind. */
  private List<GeneratedImage> watch(List<ImageRequest> requests, int slots)
      throws InterruptedException {
    Duration limit = limits.limit(requests, slots);
    DeviceCall<List<GeneratedImage>> call =
        DeviceCall.start("shardlight-devices", () -> generator.generate(requests, slots));
    try {
      if (call.join(time, limit)) {
        return call.result();
      }
    } catch (InterruptedException e) {
      // Whoever is told to stop leaves no device at work.
      call.interrupt();
      if (call.joinUninterruptibly(time, limit)) {
        throw e;
      }
    }
    over = Optional.of("a call of it never ended");
    throw new DeviceFault.Lost(
        "the devices must draw "
            + requests.size()
            + " images of "
            + Footprint.of(requests.get(0))
            + " within "
            + limit
            + ", which is far more than usual, but have not; they count as lost, and the call keeps"
            + " what it holds of them until this process ends; if it happens again, restart the"
            + " worker and look after its devices",
        call.whereItIs());
  }

  /**
   * Takes the devices for lost. What is loaded is closed, unless a call is stuck in it.
   *
   * @param why for the log
   */
  void giveUp(RuntimeException why) {
    devices.lock();
    try {
      if (over.isEmpty()) {
        over = Optional.of("its devices are lost (" + why.getMessage() + ")");
        DeviceCall<Boolean> closing =
            DeviceCall.start(
                "shardlight-close",
                () -> {
                  generator.close();
                  return true;
                });
        if (closing.joinUninterruptibly(time, TO_CLOSE)) {
          closing.result();
        }
      }
    } catch (InterruptedException | RuntimeException e) {
      why.addSuppressed(e);
    } finally {
      if (!lost) {
        LOG.error("The devices are lost to this process's generator: {}", why.getMessage());
      }
      lost = true;
      devices.unlock();
    }
  }
}
