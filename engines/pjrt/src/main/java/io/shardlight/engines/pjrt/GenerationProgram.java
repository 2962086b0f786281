package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.LatentDiffusion;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes a {@link LatentDiffusion} as one program for one replica. Its arguments are the weights of
 * text encoder, UNet and decoder, then the inputs of {@link LatentDiffusion#inputs}.
 *
 * <p>The text encoder computes in float32 whatever the precision, as the original program did, and
 * so do the loop and the latents.
 */
final class GenerationProgram {
  private final LatentDiffusion diffusion;
  private final HloFunction main = new HloFunction("main");
  private final NetworkFunction textEncoder;
  private final NetworkFunction unet;
  private final NetworkFunction decoder;
  private final String text;

  private GenerationProgram(
      LatentDiffusion diffusion, ElementType precision, AttentionForm attention) {
    this.diffusion = diffusion;
    HloModule module = new HloModule("generation");
    this.textEncoder =
        NetworkFunction.add(
            module, main, diffusion.textEncoder(), ElementType.F32, attention, "text_encoder");
    this.unet = NetworkFunction.add(module, main, diffusion.unet(), precision, attention, "unet");
    this.decoder =
        NetworkFunction.add(module, main, diffusion.decoder(), precision, attention, "vae_decoder");
    write();
    this.text = module.text(main);
  }

  /**
   * @param precision of UNet and decoder: {@code F32} or {@code BF16}
   */
  static GenerationProgram write(
      LatentDiffusion diffusion, ElementType precision, AttentionForm attention) {
    return new GenerationProgram(diffusion, precision, attention);
  }

  /** The module in StableHLO text. */
  String text() {
    return text;
  }

  /** The first arguments, in their order. */
  List<NetworkFunction.Weight> weights() {
    return Stream.of(textEncoder, unet, decoder)
        .flatMap(network -> network.weights().stream())
        .toList();
  }

  /** All arguments' types. */
  List<TensorType> arguments() {
    return main.arguments().stream().map(Value::type).toList();
  }

  /** In the order of {@link LatentDiffusion#outputs}. */
  List<TensorType> results() {
    return main.results().stream().map(Value::type).toList();
  }

  /** How tensors of the program's boundary lie on a device. */
  static TensorType type(LatentDiffusion.Tensor tensor) {
    return new TensorType(ElementType.of(tensor.dataType()), tensor.shape());
  }

  private Value call(NetworkFunction network, Value... inputs) {
    return network.call(main, List.of(inputs)).get(0);
  }

  private void write() {
    List<Value> inputs =
        diffusion.inputs().stream().map(input -> main.argument(type(input))).toList();
    Value ids = inputs.get(0);
    Value keys = inputs.get(1);
    Value guidance = inputs.get(2);
    Value steps = inputs.get(3);
    Value timesteps = inputs.get(4);
    Value combinations = inputs.get(5);

    // 1. prompt embeddings, all unconditional ones first
    long samples = (long) diffusion.passes() * diffusion.batch();
    Value embeddings =
        call(textEncoder, main.reshape(main.transpose(ids, 1, 0, 2), samples, ids.dimension(2)));

    // 2. noise, in front of the predictions to come
    Shape latents = diffusion.latents();
    long count = latents.size() / diffusion.batch();
    NormalNoise normal = new NormalNoise(main);
    Value noise = normal.draw(keys, count);
    TensorType later = TensorType.of(ElementType.F32, diffusion.columns() - 1L, latents.size());
    Value known =
        main.concatenate(0, List.of(main.reshape(noise, 1, latents.size()), main.splat(later, 0)));

    // 3. steps; noise to be added lies behind all predictions
    Value added =
        diffusion.addsNoise()
            ? normal.foldIn(keys, main.constant(ElementType.U32, LatentDiffusion.ADDED_NOISE))
            : keys;
    Value zero = main.constant(ElementType.S32, 0);
    List<Value> end =
        main.whileLoop(
            List.of(zero, known),
            carried -> main.compare("LT", carried.get(0), steps),
            carried -> {
              Value step = carried.get(0);
              Value input = combine(combinations, step, carried.get(1));
              Value timestep = main.broadcast(main.at(timesteps, step), new Shape(samples));
              Value prediction = predict(input, timestep, embeddings, guidance);
              Value next = main.binary("add", step, 1);
              Value flat = main.reshape(prediction, latents.size());
              Value then = main.with(carried.get(1), next, flat);
              if (diffusion.addsNoise()) {
                Value stepKeys = normal.foldIn(added, main.convert(step, ElementType.U32));
                Value fresh = main.reshape(normal.draw(stepKeys, count), latents.size());
                then = main.with(then, main.binary("add", step, diffusion.rows()), fresh);
              }
              return List.of(next, then);
            });
    Value denoised = combine(combinations, steps, end.get(1));

    // 4. pixels
    Value image = call(decoder, main.multiply(denoised, 1 / diffusion.scalingFactor()));
    main.results(List.of(pixels(image), damaged(image)));
  }

  /** A row's combination of all noise and predictions, in the shape of latents. */
  private Value combine(Value combinations, Value row, Value known) {
    Value coefficients = main.at(combinations, row);
    Value weighted = main.multiply(known, main.broadcast(coefficients, known.type().shape(), 0));
    return main.reshape(main.reduce("add", 0, weighted, 0), diffusion.latents().getShape());
  }

  /** {@code unconditional + scale (conditional - unconditional)}; arXiv:2207.12598, equation 6. */
  private Value predict(Value latents, Value timesteps, Value embeddings, Value guidance) {
    if (!diffusion.guided()) {
      return call(unet, latents, timesteps, embeddings);
    }
    int batch = diffusion.batch();
    Value both = call(unet, main.concatenate(0, List.of(latents, latents)), timesteps, embeddings);
    Value unconditional = main.slice(both, 0, 0, batch);
    Value conditional = main.slice(both, 0, batch, 2L * batch);
    Value scale = main.broadcast(guidance, latents.type().shape(), 0);
    return main.add(unconditional, main.multiply(scale, main.subtract(conditional, unconditional)));
  }

  /** About [-1, 1] to bytes, halves rounded to even; channels last. */
  private Value pixels(Value image) {
    Value unit = main.clamp(main.binary("add", main.multiply(image, 0.5), 0.5), 0, 1);
    Value levels = main.unary("round_nearest_even", main.multiply(unit, 255));
    return main.transpose(main.convert(levels, ElementType.U8), 0, 2, 3, 1);
  }

  private Value damaged(Value image) {
    Value notNumbers = main.convert(main.compare("NE", image, image), ElementType.F32);
    return main.convert(main.reduce("maximum", 0, notNumbers, 1, 2, 3), ElementType.U8);
  }
}
