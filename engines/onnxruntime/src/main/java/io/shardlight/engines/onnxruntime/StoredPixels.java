package io.shardlight.engines.onnxruntime;

/**
 * Rows that have been computed.
 *
 * @param rows {@code [batch * pixels, channels]}
 * @param pixels of one image
 */
record StoredPixels(OnnxModelBuilder onnx, String rows, long pixels) implements PixelRows {
  @Override
  public String all() {
    return rows;
  }

  @Override
  public String range(int image, long first, long count) {
    long start = image * pixels + first;
    return onnx.add("Slice", rows, onnx.longs(start), onnx.longs(start + count), onnx.longs(0));
  }
}
