package io.shardlight.engines.onnxruntime;

import java.util.List;

/** An image as rows of channels, a row a pixel, to be taken whole or piece by piece. */
sealed interface PixelRows permits StoredPixels, StripedPixels, NormalisedPixels {
  /** All rows, {@code [batch * pixels, channels]}. */
  String all();

  /**
   * Consecutive rows of one image, {@code [count, channels]}.
   *
   * @param first index of the first pixel in its image
   */
  String range(int image, long first, long count);

  default String range(Piece piece) {
    return range(piece.image, piece.first, piece.count);
  }

  /** The pieces of all images that it is best taken in, in order; none if it is the whole. */
  List<Piece> pieces();

  /**
   * Consecutive pixels of one image.
   *
   * @param first index of the first pixel in its image
   */
  record Piece(int image, long first, long count) {
    long end() {
      return first + count;
    }
  }
}
