package io.shardlight.transforms;

import ai.djl.engine.EngineException;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.safety.SafetyScore;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands for devices: pictures are noise that depends on the request alone. A prompt that holds
 * {@code poison} is refused, one that holds {@code bane} fails in the engine, and one that holds
 * {@code fault} breaks the device for good. With a safety checker, prompts that hold {@code risky}
 * score above 0.
 *
 * @param id under which all copies of this factory keep one {@link Log}
 */
record FakeDevices(String id, int slots, boolean checks) implements GeneratorFactory {
  private static final Map<String, Log> LOGS = new ConcurrentHashMap<>();

  /** What happened to the generators of one factory and its copies. */
  static final class Log {
    final AtomicInteger loads = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger inUse = new AtomicInteger();
    final List<List<ImageRequest>> batches = new CopyOnWriteArrayList<>();
  }

  static FakeDevices withSlots(int slots) {
    return new FakeDevices(UUID.randomUUID().toString(), slots, false);
  }

  FakeDevices withSafetyChecker() {
    return new FakeDevices(id, slots, true);
  }

  Log log() {
    return LOGS.computeIfAbsent(id, name -> new Log());
  }

  @Override
  public ImageGenerator create() {
    log().loads.incrementAndGet();
    log().open.incrementAndGet();
    return new Devices(slots, log(), new AtomicBoolean(), checks);
  }

  private record Devices(int slots, Log log, AtomicBoolean lost, boolean checks)
      implements ImageGenerator {
    @Override
    public List<GeneratedImage> generate(List<ImageRequest> requests, int slots) {
      if (log.inUse.incrementAndGet() > 1) {
        throw new AssertionError("two batches at once");
      }
      try {
        check(requests, slots);
        log.batches.add(List.copyOf(requests));
        return requests.stream().map(this::draw).toList();
      } finally {
        log.inUse.decrementAndGet();
      }
    }

    private void check(List<ImageRequest> requests, int slots) {
      if (requests.isEmpty() || requests.size() > slots || slots > slots()) {
        throw new AssertionError(
            requests.size() + " requests for " + slots + " of " + slots() + " slots");
      }
      ImageRequest first = requests.get(0);
      for (ImageRequest request : requests) {
        if (request.widthPixels() != first.widthPixels()
            || request.heightPixels() != first.heightPixels()
            || request.scheduler() != first.scheduler()
            || request.steps() != first.steps()) {
          throw new AssertionError("requests of different shapes in one batch");
        }
        if (request.prompt().contains("fault")) {
          lost.set(true);
        }
        if (lost.get()) {
          throw new EngineException("device lost");
        }
        if (request.prompt().contains("bane")) {
          throw new EngineException("the engine failed");
        }
        if (request.prompt().contains("poison")) {
          throw new IllegalArgumentException("cannot draw this");
        }
      }
    }

    private GeneratedImage draw(ImageRequest request) {
      GeneratedImage image = picture(request);
      SafetyScore score = new SafetyScore(request.prompt().contains("risky") ? 0.125 : -0.25);
      return checks ? image.withSafetyScore(score) : image;
    }

    private static GeneratedImage picture(ImageRequest request) {
      long key = ((long) request.noiseKey().high() << 32) ^ request.noiseKey().low();
      SplittableRandom random = new SplittableRandom(key * 31 + request.prompt().hashCode());
      byte[] rgb = new byte[3 * request.widthPixels() * request.heightPixels()];
      random.nextBytes(rgb);
      return new GeneratedImage(
          request.widthPixels(), request.heightPixels(), rgb, request.prompt().length() > 300);
    }

    @Override
    public void close() {
      log.open.decrementAndGet();
    }
  }
}
