package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Node;

/**
 * Sizes of one convolution.
 *
 * @param height of the image as it is stored, before it is doubled
 * @param width likewise
 * @param doubling 2 if the convolution sees the image with each pixel repeated 2x2, else 1
 */
record ConvolutionShape(
    int batch,
    int inChannels,
    int outChannels,
    int height,
    int width,
    int doubling,
    int kernelHeight,
    int kernelWidth,
    int outHeight,
    int outWidth) {

  static ConvolutionShape of(Node convolution, Node stored, int doubling) {
    Node weight = convolution.operand(1);
    return new ConvolutionShape(
        size(convolution, 0),
        size(weight, 1),
        size(weight, 0),
        size(stored, 2),
        size(stored, 3),
        doubling,
        size(weight, 2),
        size(weight, 3),
        size(convolution, 2),
        size(convolution, 3));
  }

  /** Index of a pixel of the image that the convolution sees, among the stored image's pixels. */
  int storedPixel(int y, int x) {
    return y / doubling * width + x / doubling;
  }

  boolean isInside(int y, int x) {
    return y >= 0 && y < height * doubling && x >= 0 && x < width * doubling;
  }

  private static int size(Node node, int axis) {
    return Math.toIntExact(node.dimension(axis));
  }
}
