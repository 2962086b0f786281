package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

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
  private final StoredPixels image;
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
      StoredPixels image,
      long batch,
      long channels,
      Op.GroupNorm norm,
      String weight,
      String bias,
      long blockFloats) {
    this.onnx = onnx;
    this.image = image;
    this.batch = batch;
    this.channels = channels;
    this.bias = bias;
    long perGroup = channels / norm.groups();
    String x = onnx.reshape(image.rows(), batch, image.pixels(), channels);
    mean = spread(groupMean(channelMean(x, batch, image.pixels()), norm), perGroup);
    long blocks = blocks(batch * image.pixels() * channels, image.pixels(), blockFloats);
    String variance;
    if (blocks == 1) {
      String difference = onnx.add("Sub", x, mean);
      centred = Optional.of(difference);
      variance = channelMean(onnx.add("Mul", difference, difference), batch, image.pixels());
    } else {
      centred = Optional.empty();
      variance = blockVariance(blocks);
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
            () ->
                onnx.add("Sub", onnx.reshape(image.rows(), batch, image.pixels(), channels), mean));
    return onnx.reshape(finish(onnx.add("Mul", difference, factor)), -1, channels);
  }

  @Override
  public String range(int index, long first, long count) {
    String difference = onnx.add("Sub", image.range(index, first, count), ofImage(mean, index));
    return finish(onnx.add("Mul", difference, ofImage(factor, index)));
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

  /** Means of each channel over the pixels of equal blocks, and over the blocks. */
  private String blockVariance(long blocks) {
    long count = image.pixels() / blocks;
    List<String> means = new ArrayList<>();
    for (int index = 0; index < batch; index++) {
      for (long block = 0; block < blocks; block++) {
        String difference =
            onnx.add("Sub", image.range(index, block * count, count), ofImage(mean, index));
        means.add(channelMean(onnx.add("Mul", difference, difference), 1, count));
      }
    }
    String all = onnx.call("Concat", means.toArray(String[]::new)).with("axis", 0).output();
    return reduceMean(onnx.reshape(all, batch, blocks, channels), 1);
  }

  /** How many equal blocks of pixels; a power of two. */
  private static long blocks(long floats, long pixels, long blockFloats) {
    long blocks = 1;
    while (floats / blocks > blockFloats && pixels % (2 * blocks) == 0) {
      blocks *= 2;
    }
    return blocks;
  }

  /**
   * Means over pixels, {@code [count, 1, channels]}; over short runs of pixels first, which sums
   * more exactly and keeps all threads at work for a batch of one.
   */
  private String channelMean(String x, long count, long pixels) {
    long runs = blocks(pixels, pixels, 16);
    runs = Math.min(runs, 64);
    String mean = onnx.reshape(x, count * runs, pixels / runs, channels);
    mean = reduceMean(mean, 1);
    return reduceMean(onnx.reshape(mean, count, runs, channels), 1);
  }

  /** From means of channels to means of groups, {@code [batch, groups, 1]}. */
  private String groupMean(String channelMean, Op.GroupNorm norm) {
    return reduceMean(onnx.reshape(channelMean, batch, norm.groups(), channels / norm.groups()), 2);
  }

  /** From groups back to channels. */
  private String spread(String perGroup, long channelsPerGroup) {
    float[] ones = new float[Math.toIntExact(channelsPerGroup)];
    Arrays.fill(ones, 1);
    String repeated =
        onnx.add("Mul", perGroup, onnx.floats(new long[] {1, 1, channelsPerGroup}, ones));
    return onnx.reshape(repeated, batch, 1, channels);
  }

  private String reduceMean(String x, long axis) {
    return onnx.call("ReduceMean", x).with("axes", new long[] {axis}).with("keepdims", 1).output();
  }
}
