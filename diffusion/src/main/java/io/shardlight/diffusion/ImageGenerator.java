package io.shardlight.diffusion;

import java.util.List;

/**
 * A model on the devices of one worker. Not thread-safe: the devices do one batch at a time, and
 * callers take turns.
 */
public interface ImageGenerator extends AutoCloseable {
  /** How many images one call makes: devices times batch per device. */
  int slots();

  /**
   * Generates a batch. A batch smaller than {@link #slots()} is padded inside; what fills the
   * padding is never returned.
   *
   * @param requests 1 to {@link #slots()} requests of one size, scheduler and step count
   * @return one image a request, in the same order
   * @throws IllegalArgumentException if the requests are too many or don't go together
   * @throws InterruptedException if the thread is interrupted; no device works any more by then
   */
  List<GeneratedImage> generate(List<ImageRequest> requests) throws InterruptedException;

  /** Frees the devices; no exception. */
  @Override
  void close();
}
