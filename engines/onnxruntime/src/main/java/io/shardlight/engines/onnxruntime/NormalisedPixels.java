package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Group normalisation, and an activation after it, computed where the rows are needed: a
 * convolution in strips normalises each strip while it is in the cache, and the normalised image,
 * 268 MB in the decoder at 512x512, never exists.
 *
 * <p>The statistics take two passes, mean first: the mean square less the squared mean would lose
 * all digits where the mean is large against the deviation, as it is in trained networks.
 */
final class NormalisedPixels implements PixelRows {
  private final OnnxModelBuilder onnx;
  private final PixelRows image;
  private final long pixels;
  private final long batch;
  private final long channels;

  /** {@code [batch, 1, channels]}. */
  private final String mean;

  /** Weight over deviation, {@code [batch, 1, channels]}. */
  private final String factor;

  /** {@code [channels]}. */
  private final String bias;

  /** The image less its means, if it was made for the variance. */
  private final Optional<String> centred;

  private Optional<Activation> activation = Optional.empty();

  /**
   * @param blockFloats the variance of a larger image is computed in blocks of about this size
   */
  NormalisedPixels(
      OnnxModelBuilder onnx,
      PixelRows image,
      long batch,
      long pixels,
      long channels,
      Op.GroupNorm norm,
      String weight,
      String bias,
      long blockFloats) {
    this.onnx = onnx;
    this.image = image;
    this.batch = batch;
    this.pixels = pixels;
    this.channels = channels;
    this.bias = bias;
    long perGroup = channels / norm.groups();
    List<Piece> pieces = statisticsPieces(blockFloats);
    String variance;
    if (pieces.isEmpty()) {
      String x = onnx.reshape(image.all(), batch, pixels, channels);
      mean = spread(groupMean(channelMean(x, batch, pixels), norm), perGroup);
      String difference = onnx.add("Sub", x, mean);
      centred = Optional.of(difference);
      variance = channelMean(onnx.add("Mul", difference, difference), batch, pixels);
    } else {
      centred = Optional.empty();
      String channelMean = meanOfPieces(pieces, image::range);
      mean = spread(groupMean(channelMean, norm), perGroup);
      variance = meanOfPieces(pieces, this::squaredDifference);
    }
    String deviation =
        onnx.add("Sqrt", onnx.add("Add", groupMean(variance, norm), onnx.scalar(norm.epsilon())));
    String grouped = onnx.reshape(weight, 1, norm.groups(), perGroup);
    factor = onnx.reshape(onnx.add("Div", grouped, deviation), batch, 1, channels);
  }

  /** Applies a function to the normalised image. */
  void activate(Activation function) {
    activation = Optional.of(function);
  }

  boolean isActivated() {
    return activation.isPresent();
  }

  @Override
  public String all() {
    String difference =
        centred.orElseGet(
            () -> onnx.add("Sub", onnx.reshape(image.all(), batch, pixels, channels), mean));
    return onnx.reshape(finish(onnx.add("Mul", difference, factor)), -1, channels);
  }

  @Override
  public String range(int index, long first, long count) {
    String difference = onnx.add("Sub", image.range(index, first, count), ofImage(mean, index));
    return finish(onnx.add("Mul", difference, ofImage(factor, index)));
  }

  @Override
  public List<Piece> pieces() {
    return image.pieces();
  }

  private String finish(String scaled) {
    String sum = onnx.add("Add", scaled, bias);
    return activation.map(function -> FusedActivations.emit(onnx, sum, function)).orElse(sum);
  }

  /** The row of one image, {@code [1, channels]}. */
  private String ofImage(String perImage, int index) {
    String matrix = onnx.reshape(perImage, batch, channels);
    return batch == 1
        ? matrix
        : onnx.add("Slice", matrix, onnx.longs(index), onnx.longs(index + 1), onnx.longs(0));
  }

  /** What to take statistics of at a time; none if that is the whole. */
  private List<Piece> statisticsPieces(long blockFloats) {
    if (!image.pieces().isEmpty()) {
      return image.pieces();
    }
    long blocks = blocks(batch * pixels * channels, pixels, blockFloats);
    List<Piece> pieces = new ArrayList<>();
    for (int index = 0; index < batch && blocks > 1; index++) {
      for (long block = 0; block < blocks; block++) {
        pieces.add(new Piece(index, block * (pixels / blocks), pixels / blocks));
      }
    }
    return pieces;
  }

  private String squaredDifference(Piece piece) {
    String difference = onnx.add("Sub", image.range(piece), ofImage(mean, piece.image()));
    return onnx.add("Mul", difference, difference);
  }

  /** Means of each channel over each image, {@code [batch, channels]}. */
  private String meanOfPieces(List<Piece> pieces, Function<Piece, String> values) {
    List<String> means = new ArrayList<>();
    float[] weights = new float[Math.toIntExact(batch) * pieces.size()];
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      means.add(onnx.reshape(channelMean(values.apply(piece), 1, piece.count()), 1, channels));
      weights[piece.image() * pieces.size() + i] = (float) ((double) piece.count() / pixels);
    }
    String all = onnx.call("Concat", means.toArray(String[]::new)).with("axis", 0).output();
    return onnx.add("MatMul", onnx.floats(new long[] {batch, pieces.size()}, weights), all);
  }

  /** How many equal blocks; a power of two. */
  private static long blocks(long floats, long divisible, long blockFloats) {
    long blocks = 1;
    while (floats / blocks > blockFloats && divisible % (2 * blocks) == 0) {
      blocks *= 2;
    }
    return blocks;
  }

  /**
   * Means over pixels, {@code [count, 1, channels]}; over short runs of pixels first, which sums
   * more exactly and keeps all threads at work for a batch of one.
   */
  private String channelMean(String x, long count, long each) {
    long runs = Math.min(64, blocks(each, each, 16));
    String means = meanOfRows(onnx.reshape(x, count * runs, each / runs, channels), each / runs);
    return meanOfRows(onnx.reshape(means, count, runs, channels), runs);
  }

  /**
   * Means over the middle axis. As a product with a constant row: ReduceMean sums in an order that
   * depends on the number of threads.
   */
  private String meanOfRows(String x, long rows) {
    float[] weights = new float[Math.toIntExact(rows)];
    Arrays.fill(weights, 1f / rows);
    return onnx.add("MatMul", onnx.floats(new long[] {1, rows}, weights), x);
  }

  /** From means of channels to means of groups, {@code [batch, groups, 1]}. */
  private String groupMean(String channelMean, Op.GroupNorm norm) {
    String grouped = onnx.reshape(channelMean, batch, norm.groups(), channels / norm.groups());
    return onnx.call("ReduceMean", grouped)
        .with("axes", new long[] {2})
        .with("keepdims", 1)
        .output();
  }

  /** From groups back to channels. */
  private String spread(String perGroup, long channelsPerGroup) {
    float[] ones = new float[Math.toIntExact(channelsPerGroup)];
    Arrays.fill(ones, 1);
    String repeated =
        onnx.add("Mul", perGroup, onnx.floats(new long[] {1, 1, channelsPerGroup}, ones));
    return onnx.reshape(repeated, batch, 1, channels);
  }
}
