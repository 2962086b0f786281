package io.shardlight.engines.onnxruntime;

import com.google.errorprone.annotations.Immutable;
import io.shardlight.diffusion.graph.Op;

/**
 * Which convolution is computed how.
 *
 * @param winograd4From the smaller side of an output, in pixels, from which F(4x4, 3x3) is used
 * @param winograd2From likewise for F(2x2, 3x3)
 * @param winogradChannels the fewest input and output channels that are worth a Winograd transform
 * @param stripFloats a convolution whose transformed tiles exceed this many floats, and its kernel,
 *     is computed strip by strip
 * @param kernelFloats a transformed kernel that exceeds this many floats is made and used in blocks
 *     of output channels
 */
@Immutable
record ConvolutionPlan(
    int winograd4From,
    int winograd2From,
    int winogradChannels,
    long stripFloats,
    long kernelFloats) {

  /** Measured on the v1-4 networks; see tests/benchmarks/README.md. */
  static final ConvolutionPlan DEFAULT = new ConvolutionPlan(32, 16, 16, 1 << 22, 1 << 22);

  /** The ways to compute a convolution. */
  enum Form {
    /** One matrix product: a 1x1 convolution. */
    MATRIX,
    WINOGRAD4,
    WINOGRAD2,
    /** The runtime's own convolution, on NCHW. */
    DIRECT
  }

  Form form(Op.Conv2d op, ConvolutionShape shape) {
    if (shape.kernelHeight() == 1
        && shape.kernelWidth() == 1
        && op.stride() == 1
        && op.padTop() == 0
        && op.padLeft() == 0
        && op.padBottom() == 0
        && op.padRight() == 0) {
      return Form.MATRIX;
    }
    int side = Math.min(shape.outHeight(), shape.outWidth());
    if (shape.kernelHeight() == 3
        && shape.kernelWidth() == 3
        && op.stride() == 1
        && Math.min(shape.inChannels(), shape.outChannels()) >= winogradChannels) {
      if (side >= winograd4From) {
        return Form.WINOGRAD4;
      }
      if (side >= winograd2From) {
        return Form.WINOGRAD2;
      }
    }
    return Form.DIRECT;
  }
}
