package io.shardlight.diffusion;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A batch as the devices get it: its leading axis split into one slice a device, as JAX's {@code
 * shard} does. A short batch is padded by repeating its last request; {@link Slot#live} masks what
 * is padding.
 *
 * @param slices one a device, each of {@code batchPerDevice} slots
 */
record ShardedBatch(List<List<Slot>> slices) {

  /**
   * @param index place of the request in the batch; the last one's where it is padding
   * @param live false for padding, whose image nobody will see
   */
  record Slot(int index, ImageRequest request, boolean live) {}

  /**
   * @throws IllegalArgumentException if the requests are none, too many, or of different size,
   *     scheduler or step count
   */
  static ShardedBatch shard(List<ImageRequest> requests, int devices, int batchPerDevice) {
    int slots = devices * batchPerDevice;
    if (requests.isEmpty() || requests.size() > slots) {
      throw new IllegalArgumentException(
          "a batch for "
              + devices
              + " devices with "
              + batchPerDevice
              + " images each holds 1 to "
              + slots
              + " requests, but got "
              + requests.size());
    }
    ImageRequest first = requests.get(0);
    for (ImageRequest other : requests) {
      if (other.widthPixels() != first.widthPixels()
          || other.heightPixels() != first.heightPixels()
          || other.scheduler() != first.scheduler()
          || other.steps() != first.steps()) {
        throw new IllegalArgumentException(
            "a batch has one size, scheduler and step count, but got "
                + describe(first)
                + " and "
                + describe(other));
      }
    }
    List<List<Slot>> slices = new ArrayList<>(devices);
    for (int device = 0; device < devices; device++) {
      List<Slot> slice = new ArrayList<>(batchPerDevice);
      for (int i = device * batchPerDevice; i < (device + 1) * batchPerDevice; i++) {
        int index = Math.min(i, requests.size() - 1);
        slice.add(new Slot(index, requests.get(index), i < requests.size()));
      }
      slices.add(Collections.unmodifiableList(slice));
    }
    return new ShardedBatch(Collections.unmodifiableList(slices));
  }

  private static String describe(ImageRequest request) {
    return request.widthPixels()
        + "x"
        + request.heightPixels()
        + " "
        + request.scheduler()
        + " "
        + request.steps();
  }
}
