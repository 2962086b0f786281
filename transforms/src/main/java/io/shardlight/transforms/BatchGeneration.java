package io.shardlight.transforms;

import io.shardlight.data.Example;
import io.shardlight.diffusion.GeneratedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Generates batches and contains the damage of a bad prompt: a batch that fails is halved until the
 * culprit stands alone, and only that one is given up. For one thread.
 */
final class BatchGeneration {
  private static final Logger LOG = LoggerFactory.getLogger(BatchGeneration.class);

  /** Takes what becomes of each example, in order. */
  interface Outcomes {
    void image(Example example, GeneratedImage image) throws IOException, InterruptedException;

    void failure(Example example, RuntimeException failure);
  }

  private final SharedGenerator generator;
  private int batches;
  private long paddedSlots;
  private long generateNanos;

  BatchGeneration(SharedGenerator generator) {
    this.generator = generator;
  }

  /**
   * @param batch 1 to {@code slots} examples of one shape
   * @throws RuntimeException what is no example's fault, for the runner to try again
   */
  void generate(List<Example> batch, Outcomes outcomes) throws IOException, InterruptedException {
    List<GeneratedImage> images;
    try {
      images = call(batch);
    } catch (RuntimeException e) {
      if (!mayBeTheExamples(e)) {
        throw e;
      }
      if (batch.size() == 1) {
        LOG.warn("Example {} cannot be generated: {}", batch.get(0).id(), e.getClass().getName());
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

  private List<GeneratedImage> call(List<Example> batch) throws InterruptedException {
    batches++;
    paddedSlots += generator.slots() - batch.size();
    List<GeneratedImage> images =
        new ArrayList<>(
            generator.generate(
                batch.stream().map(Example::request).toList(), nanos -> generateNanos += nanos));
    if (images.size() != batch.size()) {
      throw new GeneratorFault(
          "the generator must return an image a request, but returned "
              + images.size()
              + " for "
              + batch.size());
    }
    return images;
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
