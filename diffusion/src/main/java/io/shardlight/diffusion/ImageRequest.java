package io.shardlight.diffusion;

import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;

/**
 * Everything that decides one image, beside the model. Two equal requests give equal images, in
 * whatever batch they are made.
 *
 * @param prompt what to draw; tokenised and cut to the text encoder's length
 * @param negativePrompt what to keep away from; empty for none. Without effect where guidance is
 *     off
 * @param noiseKey the key of all its noise, {@link io.shardlight.diffusion.random.ImageNoise}: it
 *     begins with {@code jax.random.normal(noiseKey, (1, 4, heightPixels/8, widthPixels/8))}
 * @param widthPixels a positive multiple of 8
 * @param heightPixels a positive multiple of 8
 * @param steps inference steps, at least 1
 * @param guidanceScale weight of classifier-free guidance, Ho and Salimans, arXiv:2207.12598
 */
public record ImageRequest(
    String prompt,
    String negativePrompt,
    PrngKey noiseKey,
    int widthPixels,
    int heightPixels,
    SchedulerKind scheduler,
    int steps,
    float guidanceScale) {
  public ImageRequest {
    requireSize("widthPixels", widthPixels);
    requireSize("heightPixels", heightPixels);
    if (steps < 1) {
      throw new IllegalArgumentException("steps must be at least 1, but was " + steps);
    }
    if (!Float.isFinite(guidanceScale) || guidanceScale < 0) {
      throw new IllegalArgumentException(
          "guidanceScale must be a finite number of at least 0, but was " + guidanceScale);
    }
  }

  private static void requireSize(String name, int pixels) {
    if (pixels <= 0 || pixels % 8 != 0) {
      throw new IllegalArgumentException(
          name + " must be a positive multiple of 8, but was " + pixels);
    }
  }
}
