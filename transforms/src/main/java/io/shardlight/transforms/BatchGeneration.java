package io.shardlight.transforms;

import io.shardlight.data.Durations;
import io.shardlight.data.Example;
import io.shardlight.data.ShardReport;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.graph.DeviceFault;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Generates one shard's batches and contains the damage, by what went wrong:
 *
 * <ul>
 *   <li>A batch that fails is halved until the culprit stands alone, and only that one is given up.
 *       A device that is lost fails whatever it is given, so an engine's failure is held against an
 *       example only if it comes again while others can be drawn.
 *   <li>A batch that the devices' memory does not take is drawn in halves, and so are later ones of
 *       its {@link Footprint} in this JVM. An image that does not fit alone is given up if its size
 *       is its record's own wish, so that one huge record costs no more than itself; images of the
 *       run's own size must fit, and where others of that size were drawn before, memory is short
 *       for a moment only.
 *   <li>What may pass is tried again after a while.
 *   <li>A device that is lost is nothing to be dealt with here: the fault goes to the runner, and
 *       the next to begin in this JVM loads anew.
 * </ul>
 *
 * For one thread.
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
  private final Footprint ofRun;
  private final Supplier<Stream<ImageRequest>> others;
  private final Set<String> logged = new HashSet<>();
  private final Durations.Recorder durations = new Durations.Recorder();
  private int batches;
  private long paddedSlots;
  private int retries;
  private int splits;
  private int oomHalvings;
  private long deviceNanos;

  /**
   * @param ofRun what images take that don't ask for a size of their own
   * @param others what else could be drawn, to tell a bad example from lost devices
   */
  BatchGeneration(
      SharedGenerator generator, Footprint ofRun, Supplier<Stream<ImageRequest>> others) {
    this.generator = generator;
    this.ofRun = ofRun;
    this.others = others;
  }

  /**
   * @param examples of one shape, drawn as many at once as the devices take
   * @throws RuntimeException what is no example's fault, for the runner to try again
   */
  void generate(List<Example> examples, Outcomes outcomes)
      throws IOException, InterruptedException {
    Footprint footprint = Footprint.of(examples.get(0).request());
    int done = 0;
    while (done < examples.size()) {
      Optional<DeviceFault.OutOfMemory> tooLarge = generator.sizes().tooLarge(footprint);
      if (tooLarge.isPresent()) {
        fail(examples.get(done), tooLarge.get(), outcomes);
        done++;
        continue;
      }
      int slots = generator.sizes().slots(footprint);
      List<Example> part = examples.subList(done, Math.min(done + slots, examples.size()));
      if (draw(part, slots, footprint, outcomes)) {
        done += part.size();
      }
    }
  }

  /**
   * One call of the devices or, where that fails, several.
   *
   * @return false, before any outcome, if the devices' memory does not take so many
   */
  private boolean draw(List<Example> part, int slots, Footprint footprint, Outcomes outcomes)
      throws IOException, InterruptedException {
    List<ImageRequest> requests = part.stream().map(Example::request).toList();
    List<GeneratedImage> images;
    try {
      images = call(requests, slots, footprint);
    } catch (DeviceFault.OutOfMemory e) {
      if (slots > 1) {
        halve(footprint, slots, e);
        return false;
      }
      refuseAlone(part.get(0), footprint, e, outcomes);
      return true;
    } catch (RuntimeException e) {
      if (!mayBeTheExamples(e)) {
        throw e;
      }
      if (part.size() > 1) {
        splits++;
        int half = part.size() / 2;
        generate(part.subList(0, half), outcomes);
        generate(part.subList(half, part.size()), outcomes);
        return true;
      }
      Example culprit = part.get(0);
      if (isRefusal(e)) {
        fail(culprit, e, outcomes);
      } else if (othersCanBeDrawn(culprit, e)) {
        again(culprit, footprint, outcomes);
      } else {
        generator.giveUp(e);
        throw e;
      }
      return true;
    }
    for (int i = 0; i < part.size(); i++) {
      outcomes.image(part.get(i), images.get(i));
    }
    return true;
  }

  private void halve(Footprint footprint, int tooMany, DeviceFault.OutOfMemory fault) {
    generator.sizes().halve(footprint, tooMany, fault);
    oomHalvings++;
  }

  private void refuseAlone(
      Example example, Footprint footprint, DeviceFault.OutOfMemory fault, Outcomes outcomes)
      throws IOException {
    if (generator.sizes().hasFitted(footprint)) {
      throw fault.at(
          "the devices' memory must take an image of "
              + footprint
              + " as it did before, but has been too short for a while; see what else uses it");
    }
    if (footprint.equals(ofRun)) {
      throw fault.at(
          "the devices' memory must take an image of "
              + footprint
              + ", but does not take one alone; choose a smaller width and height, or devices with"
              + " more memory");
    }
    generator.sizes().refuseAlone(footprint, fault);
    fail(example, fault, outcomes);
  }

  private void fail(Example example, RuntimeException failure, Outcomes outcomes)
      throws IOException {
    log(example, failure);
    outcomes.failure(example, failure);
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

  /** Calls until it works or fails in a way that does not pass. */
  private List<GeneratedImage> call(List<ImageRequest> requests, int slots, Footprint footprint)
      throws InterruptedException {
    for (int retry = 0; ; retry++) {
      try {
        return callOnce(requests, slots, footprint);
      } catch (DeviceFault e) {
        if (!mayPass(e, slots, footprint)) {
          throw e;
        }
        if (retry == Backoff.OF_DEVICES.retries()) {
          throw e.at("the devices must be there again after " + retry + " retries, but are not");
        }
        LOG.debug("A batch is tried again", e);
        retries++;
        generator.time().sleep(Backoff.OF_DEVICES.delay(retry, ThreadLocalRandom.current()));
      }
    }
  }

  /** Memory is short for a moment where an image of this kind had fitted. */
  private boolean mayPass(DeviceFault fault, int slots, Footprint footprint) {
    return fault instanceof DeviceFault.Transient
        || (fault instanceof DeviceFault.OutOfMemory
            && slots == 1
            && generator.sizes().hasFitted(footprint));
  }

  private List<GeneratedImage> callOnce(List<ImageRequest> requests, int slots, Footprint footprint)
      throws InterruptedException {
    batches++;
    paddedSlots += slots - requests.size();
    List<GeneratedImage> images =
        new ArrayList<>(
            generator.generate(
                requests,
                slots,
                nanos -> {
                  deviceNanos += nanos;
                  durations.record(nanos);
                }));
    if (images.size() != requests.size()) {
      throw new GeneratorFault(
          "the generator must return an image a request, but returned "
              + images.size()
              + " for "
              + requests.size());
    }
    generator.sizes().fit(footprint);
    return images;
  }

  /** What the request itself brings about: a value that is refused, pixels that are no numbers. */
  private static boolean isRefusal(RuntimeException e) {
    return e instanceof IllegalArgumentException || e instanceof ArithmeticException;
  }

  /**
   * Draws the last request that worked in this JVM again or, before any has, some of the other
   * examples.
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
                    others
                        .get()
                        .filter(request -> !request.equals(culprit.request()))
                        .limit(WITNESSES)
                        .toList());
    for (ImageRequest witness : witnesses) {
      try {
        drawAlone(witness);
        return true;
      } catch (DeviceFault.Lost | DeviceFault.Transient e) {
        throw e;
      } catch (RuntimeException e) {
        if (e != failure) {
          failure.addSuppressed(e);
        }
      }
    }
    return false;
  }

  /**
   * Finds out whether it was the example at all: an engine may fail once, whatever it is given. The
   * row gets the failure that comes again, so that it is the same in every run.
   */
  private void again(Example example, Footprint footprint, Outcomes outcomes)
      throws IOException, InterruptedException {
    GeneratedImage image;
    try {
      image = drawAlone(example.request());
    } catch (DeviceFault.OutOfMemory e) {
      refuseAlone(example, footprint, e, outcomes);
      return;
    } catch (RuntimeException e) {
      if (!mayBeTheExamples(e)) {
        throw e;
      }
      fail(example, e, outcomes);
      return;
    }
    outcomes.image(example, image);
  }

  private GeneratedImage drawAlone(ImageRequest request) throws InterruptedException {
    Footprint footprint = Footprint.of(request);
    while (true) {
      int slots = generator.sizes().slots(footprint);
      try {
        return call(List.of(request), slots, footprint).get(0);
      } catch (DeviceFault.OutOfMemory e) {
        if (slots == 1) {
          throw e;
        }
        halve(footprint, slots, e);
      }
    }
  }

  /**
   * Bugs, failing disks and devices would hit any example; taking them for bad prompts would hide
   * them.
   */
  private static boolean mayBeTheExamples(RuntimeException e) {
    return !(e instanceof GeneratorFault
        || e instanceof DeviceFault
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

  /** What went wrong and was dealt with. */
  ShardReport.Containment containment() {
    return new ShardReport.Containment(retries, splits, oomHalvings);
  }

  /** Time the devices were at those calls, without waiting for them. */
  long deviceMillis() {
    return deviceNanos / 1_000_000;
  }

  /** How long those calls took. */
  Durations durations() {
    return durations.toDurations();
  }
}
