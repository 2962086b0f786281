package io.shardlight.engines.onnxruntime;

/**
 * An image as rows of channels, a row a pixel, that a convolution takes whole or piece by piece.
 */
interface PixelRows {
  /** All rows, {@code [batch * pixels, channels]}. */
  String all();

  /**
   * Consecutive rows of one image, {@code [count, channels]}.
   *
   * @param first index of the first pixel in its image
   */
  String range(int image, long first, long count);
}
