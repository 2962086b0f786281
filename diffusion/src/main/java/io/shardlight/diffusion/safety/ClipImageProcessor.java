package io.shardlight.diffusion.safety;

import io.shardlight.diffusion.model.ClipPreprocessorConfig;

/**
 * Makes images ready for CLIP as transformers 4.23's {@code CLIPFeatureExtractor} does: resized by
 * Pillow until the shorter side has the size, cut square from the middle, in [0, 1], normalised.
 * Immutable and thread-safe.
 */
public final class ClipImageProcessor {
  private static final int CHANNELS = 3;

  private final ClipPreprocessorConfig config;

  public ClipImageProcessor(ClipPreprocessorConfig config) {
    this.config = config;
  }

  public ClipPreprocessorConfig config() {
    return config;
  }

  /**
   * @param rgb red, green, blue, one byte each, row by row from the top
   * @return {@code pixel_values}, float32 {@code [3, cropSize, cropSize]}
   */
  public float[] process(byte[] rgb, int width, int height) {
    byte[] square = crop(rgb, width, height);
    int area = config.cropSize() * config.cropSize();
    float[] planes = new float[CHANNELS * area];
    for (int channel = 0; channel < CHANNELS; channel++) {
      float mean = config.mean().get(channel).floatValue();
      float deviation = config.deviation().get(channel).floatValue();
      for (int i = 0; i < area; i++) {
        float unit = (square[CHANNELS * i + channel] & 0xff) / 255f;
        planes[channel * area + i] = (unit - mean) / deviation;
      }
    }
    return planes;
  }

  /** Resized and cut, {@code [cropSize, cropSize, 3]}. */
  byte[] crop(byte[] rgb, int width, int height) {
    // 1. Resize; the longer side's fraction of a pixel is dropped.
    int edge = config.shortestEdge();
    int newWidth = width <= height ? edge : longer(width, height);
    int newHeight = width <= height ? longer(height, width) : edge;
    byte[] resized = PillowBicubic.resize(rgb, width, height, newWidth, newHeight);

    // 2. Cut; of an odd rest the smaller half is left and above.
    int side = config.cropSize();
    int left = (newWidth - side) / 2;
    int top = (newHeight - side) / 2;
    byte[] square = new byte[CHANNELS * side * side];
    for (int y = 0; y < side; y++) {
      System.arraycopy(
          resized,
          CHANNELS * ((top + y) * newWidth + left),
          square,
          CHANNELS * y * side,
          CHANNELS * side);
    }
    return square;
  }

  private int longer(int longSide, int shortSide) {
    return (int) ((double) ((long) config.shortestEdge() * longSide) / shortSide);
  }
}
