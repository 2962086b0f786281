package io.shardlight.engines.onnxruntime;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Rows that were computed piece by piece and stay in pieces: joining them would take a second copy
 * of the image, 268 MB in the decoder at 512x512, and a pass over it.
 */
final class StripedPixels implements PixelRows {
  private final OnnxModelBuilder onnx;
  private final List<Piece> pieces;
  private final List<String> rows;

  /**
   * @param pieces of all images, in order and without gaps
   * @param rows for each piece {@code [count, channels]}
   */
  StripedPixels(OnnxModelBuilder onnx, List<Piece> pieces, List<String> rows) {
    this.onnx = onnx;
    this.pieces = List.copyOf(pieces);
    this.rows = List.copyOf(rows);
  }

  /** Computes each piece of an image from the same piece of another. */
  static StripedPixels map(OnnxModelBuilder onnx, PixelRows image, UnaryOperator<String> function) {
    return new StripedPixels(
        onnx,
        image.pieces(),
        image.pieces().stream().map(piece -> function.apply(image.range(piece))).toList());
  }

  @Override
  public List<Piece> pieces() {
    return pieces;
  }

  @Override
  public String all() {
    return concat(rows);
  }

  @Override
  public String range(int image, long first, long count) {
    long end = first + count;
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      if (piece.image() != image || piece.end() <= first || piece.first() >= end) {
        continue;
      }
      long from = Math.max(first, piece.first()) - piece.first();
      long to = Math.min(end, piece.end()) - piece.first();
      parts.add(
          to - from == piece.count()
              ? rows.get(i)
              : onnx.add("Slice", rows.get(i), onnx.longs(from), onnx.longs(to), onnx.longs(0)));
    }
    return concat(parts);
  }

  private String concat(List<String> parts) {
    return parts.size() == 1
        ? parts.get(0)
        : onnx.call("Concat", parts.toArray(String[]::new)).with("axis", 0).output();
  }
}
