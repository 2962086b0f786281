package io.shardlight.transforms;

import io.shardlight.diffusion.graph.DeviceFault;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one JVM has learnt about the memory of its devices: how many images of a kind they take at
 * once, and which kinds they don't take at all. Thread-safe.
 */
final class BatchSizes {
  private static final Logger LOG = LoggerFactory.getLogger(BatchSizes.class);

  /** Images of a kind that were tried alone in vain before the others are not tried. */
  private static final int TRIES_ALONE = 3;

  private final int most;
  private final Map<Footprint, Integer> slots = new HashMap<>();
  private final Set<Footprint> fitted = new HashSet<>();
  private final Map<Footprint, Integer> refusedAlone = new HashMap<>();
  private final Map<Footprint, DeviceFault.OutOfMemory> tooLarge = new HashMap<>();

  /**
   * @param most images of any kind
   */
  BatchSizes(int most) {
    this.most = most;
  }

  /** How many images of a kind to give the devices at once. */
  synchronized int slots(Footprint footprint) {
    return slots.getOrDefault(footprint, most);
  }

  /** Some of this kind were drawn. */
  synchronized void fit(Footprint footprint) {
    fitted.add(footprint);
    tooLarge.remove(footprint);
  }

  /** Whether any of this kind was ever drawn: then more memory may be there again later. */
  synchronized boolean hasFitted(Footprint footprint) {
    return fitted.contains(footprint);
  }

  /**
   * Remembers that so many at once were too many, and halves. Of threads that found it at the same
   * time only the first changes something.
   *
   * @param tooMany at least 2
   */
  synchronized void halve(Footprint footprint, int tooMany, DeviceFault.OutOfMemory fault) {
    int half = (tooMany + 1) / 2;
    if (half < slots(footprint)) {
      slots.put(footprint, half);
      LOG.warn(
          "Images of {} are drawn {} at once from now on, since the devices' memory did not take"
              + " {}; set batchPerDevice lower to begin so: {}",
          footprint,
          half,
          tooMany,
          fault.getMessage());
    }
  }

  /** An image of this kind did not fit alone, and none ever has. */
  synchronized void refuseAlone(Footprint footprint, DeviceFault.OutOfMemory fault) {
    if (refusedAlone.merge(footprint, 1, Integer::sum) >= TRIES_ALONE) {
      tooLarge.put(footprint, fault);
    }
  }

  /** Why images of this kind need not be tried, if that is known. */
  synchronized Optional<DeviceFault.OutOfMemory> tooLarge(Footprint footprint) {
    return Optional.ofNullable(tooLarge.get(footprint));
  }
}
