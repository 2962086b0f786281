package io.shardlight.transforms;

import io.shardlight.data.Example;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Generates one shard's batches and contains the damage of a bad prompt: a batch that fails is
 * halved until the culprit stands alone, and only that one is given up. A device that is lost fails
 * whatever it is given, so an engine's failure is held against an example only while others can
 * still be drawn. For one thread.
 */
final class BatchGeneration {
  private static final Logger LOG = LoggerFactory.getLogger(BatchGeneration.class);

  /** Takes what becomes of each example, in order. */
  interface Outcomes {
    void image(Example example, GeneratedImage image) throws IOException, InterruptedException;

    void failure(Example example, RuntimeException failure) throws IOException;
  }

  /** How many others are tried before the devices are taken for lost. */
  private static final int WITNESSES = 3;

  private static final int MAX_CAUSES = 10;

  private final SharedGenerator generator;
  private final List<Example> shard;
  private final Set<String> logged = new HashSet<>();
  private int batches;
  private long paddedSlots;
  private long generateNanos;

  /**
   * @param shard all examples of the shard
   */
  BatchGeneration(SharedGenerator generator, List<Example> shard) {
    this.generator = generator;
    this.shard = shard;
  }

  /**
   * @param batch 1 to {@code slots} examples of one shape
   * @throws RuntimeException what is no example's fault, for the runner to try again
   */
  void generate(List<Example> batch, Outcomes outcomes) throws IOException, InterruptedException {
    List<GeneratedImage> images;
    try {
      images = call(batch.stream().map(Example::request).toList());
    } catch (RuntimeException e) {
      if (!mayBeTheExamples(e)) {
        throw e;
      }
      if (batch.size() == 1) {
        if (!isRefusal(e) && !othersCanBeDrawn(batch.get(0), e)) {
          throw e;
        }
        log(batch.get(0), e);
        outcomes.failure(batch.get(0), e);
      } else {
        int half = batch.size() / 2;
        generate(batch.subList(0, half), outcomes);
        generate(batch.subList(half, batch.size()), outcomes);
      }
      return;
    }
    for (int i = 0; i < batch.size(); i++) {
      outcomes.image(batch.get(i), images.get(i));
    }
  }

  /** The rows hold only the failure's class; each cause is told once, for it may hit many. */
  private void log(Example example, RuntimeException failure) {
    StringBuilder chain = new StringBuilder(failure.toString());
    Throwable cause = failure.getCause();
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      chain.append("; caused by ").append(cause);
      cause = cause.getCause();
    }
    String causes = chain.toString();
    if (logged.add(causes)) {
      LOG.warn("Example {} cannot be generated: {}", example.id(), causes);
      LOG.debug("Example {} cannot be generated", example.id(), failure);
    }
  }

  private List<GeneratedImage> call(List<ImageRequest> requests) throws InterruptedException {
    batches++;
    paddedSlots += generator.slots() - requests.size();
    List<GeneratedImage> images =
        new ArrayList<>(generator.generate(requests, nanos -> generateNanos += nanos));
    if (images.size() != requests.size()) {
      throw new GeneratorFault(
          "the generator must return an image a request, but returned "
              + images.size()
              + " for "
              + requests.size());
    }
    return images;
  }

  /** What the request itself brings about: a value that is refused, pixels that are no numbers. */
  private static boolean isRefusal(RuntimeException e) {
    return e instanceof IllegalArgumentException || e instanceof ArithmeticException;
  }

  /**
   * Draws the last request that worked in this JVM again or, before any has, some of the shard's
   * other examples.
   *
   * @param failure takes what went wrong here as suppressed
   */
  private boolean othersCanBeDrawn(Example culprit, RuntimeException failure)
      throws InterruptedException {
    List<ImageRequest> witnesses =
        generator
            .lastDrawn()
            .map(List::of)
            .orElseGet(
                () ->
                    shard.stream()
                        .filter(example -> !example.id().equals(culprit.id()))
                        .limit(WITNESSES)
                        .map(Example::request)
                        .toList());
    for (ImageRequest witness : witnesses) {
      try {
        call(List.of(witness));
        return true;
      } catch (RuntimeException e) {
        if (e != failure) {
          failure.addSuppressed(e);
        }
      }
    }
    return false;
  }

  /** Bugs and failing disks would hit any example; taking them for bad prompts would hide them. */
  private static boolean mayBeTheExamples(RuntimeException e) {
    return !(e instanceof GeneratorFault
        || e instanceof UncheckedIOException
        || e instanceof NullPointerException
        || e instanceof ClassCastException
        || e instanceof IndexOutOfBoundsException);
  }

  /** Calls of the generator so far. */
  int batches() {
    return batches;
  }

  /** Slots of those calls that had nothing to draw. */
  long paddedSlots() {
    return paddedSlots;
  }

  /** Time the devices were at those calls, without waiting for them. */
  long generateMillis() {
    return generateNanos / 1_000_000;
  }
}
