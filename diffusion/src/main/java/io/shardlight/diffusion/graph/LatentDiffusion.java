package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.List;

/**
 * The whole way from token ids to pixels, to become one program on a device: prompt embeddings,
 * noise from keys, the denoising loop with classifier-free guidance, VAE decoder, eight-bit pixels.
 * Rombach et al., arXiv:2112.10752.
 *
 * <p>What differs from call to call is an input, so that only another shape asks for another
 * program. {@link #inputs} has them in their order; those whose first axis is the batch are split
 * over the devices, the others are the same for all.
 *
 * @param textEncoder takes token ids {@code [passes × batch, tokens]}
 * @param unet takes latents {@code [passes × batch, channels, height, width]}, timesteps {@code
 *     [passes × batch]} and embeddings
 * @param decoder takes latents {@code [batch, channels, height, width]}
 * @param scalingFactor what the decoder's input is divided by
 * @param rows latents that are kept: one more than the most steps that a call can ask for
 * @param addsNoise whether noise of its own may be added after each step
 */
public record LatentDiffusion(
    Graph textEncoder,
    Graph unet,
    Graph decoder,
    float scalingFactor,
    int rows,
    boolean addsNoise) {

  /** What an image's key is folded with for the noise that is added to it, before the step is. */
  public static final int ADDED_NOISE = 1;

  /** One input or output: its name, type and shape for one device. */
  public record Tensor(String name, DataType dataType, Shape shape) {}

  public LatentDiffusion {
    long samples = unet.inputs().get(0).dimension(0);
    long batch = decoder.inputs().get(0).dimension(0);
    if (samples != batch && samples != 2 * batch) {
      throw new IllegalArgumentException(
          "the UNet's batch must be the decoder's, or twice that with guidance, but was "
              + samples
              + " and "
              + batch);
    }
    if (textEncoder.inputs().get(0).dimension(0) != samples) {
      throw new IllegalArgumentException(
          "the text encoder's batch must be the UNet's, but is "
              + textEncoder.inputs().get(0).dimension(0)
              + " and "
              + samples);
    }
    if (rows < 2) {
      throw new IllegalArgumentException("rows must be at least 2, but was " + rows);
    }
  }

  /** Images of one device. */
  public int batch() {
    return (int) decoder.inputs().get(0).dimension(0);
  }

  /** How often the UNet looks at each image in a step: 2 with guidance, without prompt first. */
  public int passes() {
    return (int) unet.inputs().get(0).dimension(0) / batch();
  }

  public boolean guided() {
    return passes() == 2;
  }

  /** What a row of {@code combinations} combines: noise and predictions, and added noise if any. */
  public int columns() {
    return addsNoise ? 2 * rows : rows;
  }

  /** {@code [batch, channels, height, width]}. */
  public Shape latents() {
    return decoder.inputs().get(0).shape();
  }

  /**
   *
   *
   * <ol>
   *   <li>{@code ids}, int32 {@code [batch, passes, tokens]}, the unconditional prompt's first
   *   <li>{@code keys}, uint32 {@code [batch, 2]}: of {@code jax.random.normal(key, (1, channels,
   *       height, width))} with {@code jax_threefry_partitionable=False}; the noise that is added
   *       after step <i>i</i> has the key {@code fold_in(fold_in(key, 1), i)}
   *   <li>{@code guidance}, float32 {@code [batch]}: Ho and Salimans, arXiv:2207.12598; unused
   *       without
   *   <li>{@code steps}, int32 {@code []}: how often the UNet is called, less than {@link #rows}
   *   <li>{@code timesteps}, float32 {@code [rows]}
   *   <li>{@code combinations}, float32 {@code [rows, columns]}: row <i>i</i> combines the noise
   *       and the predictions of earlier steps to the UNet's input at step <i>i</i>, row {@code
   *       steps} to the final latents; column rows + <i>i</i> is for the noise added after step
   *       <i>i</i>
   * </ol>
   */
  public List<Tensor> inputs() {
    long tokens = textEncoder.inputs().get(0).dimension(1);
    return List.of(
        new Tensor("ids", DataType.INT32, new Shape(batch(), passes(), tokens)),
        new Tensor("keys", DataType.UINT32, new Shape(batch(), 2)),
        new Tensor("guidance", DataType.FLOAT32, new Shape(batch())),
        new Tensor("steps", DataType.INT32, new Shape()),
        new Tensor("timesteps", DataType.FLOAT32, new Shape(rows)),
        new Tensor("combinations", DataType.FLOAT32, new Shape(rows, columns())));
  }

  /** How many of {@link #inputs} have the batch as first axis: the first ones. */
  public int shardedInputs() {
    return 3;
  }

  /**
   *
   *
   * <ol>
   *   <li>{@code pixels}, uint8 {@code [batch, height, width, 3]}
   *   <li>{@code damaged}, uint8 {@code [batch]}: 1 if a value of the image is not a number
   * </ol>
   */
  public List<Tensor> outputs() {
    Shape image = decoder.outputs().values().iterator().next().shape();
    return List.of(
        new Tensor(
            "pixels", DataType.UINT8, new Shape(batch(), image.get(2), image.get(3), image.get(1))),
        new Tensor("damaged", DataType.UINT8, new Shape(batch())));
  }
}
