package io.shardlight.diffusion;

import java.util.List;

/**
 * A model on the devices of one worker. Not thread-safe: the devices do one batch at a time, and
 * callers take turns.
 */
public interface ImageGenerator extends AutoCloseable {
  /** How many images one call makes at most: devices times batch per device. */
  int slots();

  /** Generates a batch with {@link #slots()} slots. */
  default List<GeneratedImage> generate(List<ImageRequest> requests) throws InterruptedException {
    return generate(requests, slots());
  }

  /**
   * Generates a batch. Where it has fewer requests than slots it is padded inside; what fills the
   * padding is never returned.
   *
   * <p>A call takes the memory of its slots: where {@link #slots()} of them are too many, the same
   * requests may fit in several calls of fewer. So padding is not to fill up more slots than these,
   * but for one a device if there are more devices than that.
   *
   * @param requests 1 to {@code slots} requests of one size, scheduler and step count
   * @param slots 1 to {@link #slots()}; the images are the same for any number
   * @return one image a request, in the same order
   * @throws IllegalArgumentException if the requests are too many or don't go together
   * @throws io.shardlight.diffusion.graph.DeviceFault if the devices failed at what they should do
   * @throws InterruptedException if the thread is interrupted; no device works any more by then
   */
  List<GeneratedImage> generate(List<ImageRequest> requests, int slots) throws InterruptedException;

  /** Frees the devices; no exception. */
  @Override
  void close();
}
