package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Op;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a 3x3 convolution of stride 1 on pixel rows {@code [batch * height * width, channels]} in
 * standard operators: tiles are gathered, transformed by a matrix product, multiplied with the
 * transformed kernel in one product for each of the {@code (m+2)^2} tile positions, transformed
 * back, and gathered into pixel rows.
 *
 * <p>The kernel is transformed in the program, from the checkpoint's {@code [out, in, 3, 3]}: a
 * transformed copy would be 16/9 or 36/9 of the weights in size, in memory and on disk, and
 * computing it costs a few per cent of the convolution. Work is cut into strips of tiles and blocks
 * of output channels that fit the last-level cache.
 */
final class WinogradConvolution {
  private final OnnxModelBuilder onnx;
  private final WinogradTransform transform;
  private final Op.Conv2d op;
  private final ConvolutionShape shape;
  private final ConvolutionPlan plan;
  private final int inputSide;
  private final int outputSide;
  private final int tilesDown;
  private final int tilesAcross;

  WinogradConvolution(
      OnnxModelBuilder onnx,
      WinogradTransform transform,
      Op.Conv2d op,
      ConvolutionShape shape,
      ConvolutionPlan plan) {
    this.onnx = onnx;
    this.transform = transform;
    this.op = op;
    this.shape = shape;
    this.plan = plan;
    this.inputSide = transform.inputSide();
    this.outputSide = transform.outputSide();
    this.tilesDown = ceilDivide(shape.outHeight(), outputSide);
    this.tilesAcross = ceilDivide(shape.outWidth(), outputSide);
  }

  /** Consecutive rows of tiles, of one image or, if it is all of them, of all images. */
  private record Strip(int firstImage, int images, int firstTileRow, int tileRows) {}

  /**
   * @param image {@code [batch * height * width, in]}
   * @param weight the kernel, of shape {@code [out * in, 9]}
   * @param addend what is added to each pixel: {@code [batch or 1, out]}
   * @param addendPerImage whether the addend has a row for each image
   * @return {@code [batch * outHeight * outWidth, out]}
   */
  String emit(PixelRows image, Kernel weight, String addend, boolean addendPerImage)
      throws IOException {
    List<Strip> strips = strips();
    List<String> kernels = kernels(weight, strips.size() == 1);
    List<String> results = new ArrayList<>();
    for (Strip strip : strips) {
      results.add(emit(strip, image, kernels, addend, addendPerImage));
    }
    return concat(results, 0);
  }

  /** The weight of a convolution, in parts. */
  @FunctionalInterface
  interface Kernel {
    /** The rows of some output channels, {@code [count * in, 9]}. */
    String rows(int firstChannel, int count) throws IOException;
  }

  /**
   * The transformed kernel, {@code [positions, out, in]}; if it is used only once, in blocks of
   * output channels that stay in the cache between being made and being used.
   */
  private List<String> kernels(Kernel weight, boolean usedOnce) throws IOException {
    int positions = inputSide * inputSide;
    int in = shape.inChannels();
    int out = shape.outChannels();
    long floats = (long) positions * in * out;
    int blocks =
        usedOnce ? Math.toIntExact((floats + plan.kernelFloats() - 1) / plan.kernelFloats()) : 1;
    int perBlock = Math.min(out, ceilDivide(ceilDivide(out, blocks), 16) * 16);
    List<String> kernels = new ArrayList<>();
    for (int first = 0; first < out; first += perBlock) {
      int count = Math.min(perBlock, out - first);
      String transformed =
          onnx.call(
                  "FusedMatMul",
                  onnx.floats(new long[] {positions, 9}, transform.kernel()),
                  weight.rows(first, count))
              .microsoft()
              .with("transB", 1)
              .output();
      kernels.add(onnx.reshape(transformed, positions, count, in));
    }
    return kernels;
  }

  private List<Strip> strips() {
    long floatsPerTileRow =
        (long) inputSide
            * inputSide
            * tilesAcross
            * Math.max(shape.inChannels(), shape.outChannels());
    long tileFloats = floatsPerTileRow * tilesDown * shape.batch();
    // Where the kernel is the larger of the two, it is the one to be cut.
    long kernelFloats = (long) inputSide * inputSide * shape.inChannels() * shape.outChannels();
    if (tileFloats <= plan.stripFloats() || tileFloats < kernelFloats) {
      return List.of(new Strip(0, shape.batch(), 0, tilesDown));
    }
    int tileRows = (int) Math.max(1, Math.min(tilesDown, plan.stripFloats() / floatsPerTileRow));
    tileRows = ceilDivide(tilesDown, ceilDivide(tilesDown, tileRows));
    List<Strip> strips = new ArrayList<>();
    for (int image = 0; image < shape.batch(); image++) {
      for (int row = 0; row < tilesDown; row += tileRows) {
        strips.add(new Strip(image, 1, row, Math.min(tileRows, tilesDown - row)));
      }
    }
    return strips;
  }

  private String emit(
      Strip strip, PixelRows image, List<String> kernels, String addend, boolean addendPerImage) {
    int in = shape.inChannels();
    int out = shape.outChannels();
    int positions = inputSide * inputSide;
    int outPositions = outputSide * outputSide;
    int tilesPerImage = strip.tileRows * tilesAcross;
    int tiles = strip.images * tilesPerImage;

    // 1. the strip's pixels, with a row of zeros behind them for what lies outside the image
    int firstPixelRow =
        Math.max(0, strip.firstTileRow * outputSide - op.padTop()) / shape.doubling();
    int endPixelRow =
        Math.min(
            shape.height(),
            ceilDivide(
                (strip.firstTileRow + strip.tileRows) * outputSide + 2 - op.padTop(),
                shape.doubling()));
    boolean whole = strip.images == shape.batch() && strip.tileRows == tilesDown;
    if (whole) {
      firstPixelRow = 0;
      endPixelRow = shape.height();
    }
    int pixelsPerImage = (endPixelRow - firstPixelRow) * shape.width();
    String pixels =
        whole
            ? image.all()
            : image.range(strip.firstImage, (long) firstPixelRow * shape.width(), pixelsPerImage);
    String zeros = onnx.floats(new long[] {1, in}, new float[in]);
    String padded = onnx.call("Concat", pixels, zeros).with("axis", 0).output();

    // 2. tiles, transformed
    int[] tileIndex = tileIndex(strip, firstPixelRow, pixelsPerImage);
    String tilePixels =
        onnx.add("Gather", padded, onnx.ints(new long[] {positions, tiles}, tileIndex));
    String transformed =
        onnx.add(
            "MatMul",
            onnx.floats(new long[] {positions, positions}, transform.input()),
            onnx.reshape(tilePixels, positions, (long) tiles * in));

    // 3. one product over the channels for each tile position, and 4. back to pixels
    String tileRows = onnx.reshape(transformed, positions, tiles, in);
    List<String> blocks = new ArrayList<>();
    for (String kernel : kernels) {
      String products =
          onnx.call("FusedMatMul", tileRows, kernel).microsoft().with("transB", 1).output();
      String outTiles =
          onnx.add(
              "MatMul",
              onnx.floats(new long[] {outPositions, positions}, transform.output()),
              onnx.reshape(products, positions, -1));
      blocks.add(onnx.reshape(outTiles, (long) outPositions * tiles, -1));
    }
    String outTiles = concat(blocks, 1);
    String sum;
    if (addendPerImage) {
      String own =
          strip.images == shape.batch()
              ? addend
              : onnx.add(
                  "Slice",
                  addend,
                  onnx.longs(strip.firstImage),
                  onnx.longs(strip.firstImage + 1),
                  onnx.longs(0));
      sum =
          onnx.add(
              "Add",
              onnx.reshape(outTiles, outPositions, strip.images, tilesPerImage, out),
              onnx.reshape(own, strip.images, 1, out));
    } else {
      sum = onnx.add("Add", outTiles, addend);
    }
    int[] pixelIndex = pixelIndex(strip, tilesPerImage, tiles);
    return onnx.add(
        "Gather",
        onnx.reshape(sum, (long) outPositions * tiles, out),
        onnx.ints(new long[] {pixelIndex.length}, pixelIndex));
  }

  /** For each tile position and tile the pixel there; the one past the end is the zero row. */
  private int[] tileIndex(Strip strip, int firstPixelRow, int pixelsPerImage) {
    int zero = strip.images * pixelsPerImage;
    int[] index = new int[inputSide * inputSide * strip.images * strip.tileRows * tilesAcross];
    int next = 0;
    for (int i = 0; i < inputSide; i++) {
      for (int j = 0; j < inputSide; j++) {
        for (int image = 0; image < strip.images; image++) {
          for (int tileRow = 0; tileRow < strip.tileRows; tileRow++) {
            int y = (strip.firstTileRow + tileRow) * outputSide + i - op.padTop();
            for (int tileColumn = 0; tileColumn < tilesAcross; tileColumn++) {
              int x = tileColumn * outputSide + j - op.padLeft();
              index[next++] =
                  shape.isInside(y, x)
                      ? image * pixelsPerImage
                          + shape.storedPixel(y, x)
                          - firstPixelRow * shape.width()
                      : zero;
            }
          }
        }
      }
    }
    return index;
  }

  /** For each pixel of the strip its place in {@code [outPosition, image, tile]}. */
  private int[] pixelIndex(Strip strip, int tilesPerImage, int tiles) {
    int firstRow = strip.firstTileRow * outputSide;
    int endRow = Math.min(shape.outHeight(), (strip.firstTileRow + strip.tileRows) * outputSide);
    int[] index = new int[strip.images * (endRow - firstRow) * shape.outWidth()];
    int next = 0;
    for (int image = 0; image < strip.images; image++) {
      for (int y = 0; y < endRow - firstRow; y++) {
        for (int x = 0; x < shape.outWidth(); x++) {
          int position = y % outputSide * outputSide + x % outputSide;
          int tile = y / outputSide * tilesAcross + x / outputSide;
          index[next++] = position * tiles + image * tilesPerImage + tile;
        }
      }
    }
    return index;
  }

  private String concat(List<String> parts, int axis) {
    return parts.size() == 1
        ? parts.get(0)
        : onnx.call("Concat", parts.toArray(String[]::new)).with("axis", axis).output();
  }

  private static int ceilDivide(int dividend, int divisor) {
    return (dividend + divisor - 1) / divisor;
  }
}
