package io.shardlight.diffusion;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.ClipVisionModel;
import io.shardlight.diffusion.model.GenerationConfig;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.safety.SafetyChecker;
import io.shardlight.diffusion.scheduler.SchedulerConfig;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ComponentDirectory;
import io.shardlight.diffusion.weights.LoraMerge;
import io.shardlight.diffusion.weights.ModelAdditions;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.diffusion.weights.Origin;
import io.shardlight.diffusion.weights.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Stable Diffusion checkpoint, read and checked but not yet on any device: three networks, their
 * weights, tokenizer and scheduler settings. Immutable and thread-safe.
 */
public final class StableDiffusion {
  /** Image pixels along a latent pixel; the noise of CONTRACT's seeds is drawn for this one. */
  private static final int VAE_FACTOR = 8;

  private final ModelDirectory directory;
  private final Numerics numerics;
  private final ClipTokenizer tokenizer;
  private final SchedulerConfig schedulerConfig;
  private final GenerationConfig generationConfig;
  private final ClipTextModel textEncoder;
  private final UNet2DCondition unet;
  private final AutoencoderKl vae;

  /** Of every component, by its name. */
  private final Map<String, ParameterSource> weights;

  private final Optional<SafetyChecker> safetyChecker;

  private StableDiffusion(StableDiffusion other, SafetyChecker safetyChecker) {
    this.directory = other.directory;
    this.numerics = other.numerics;
    this.tokenizer = other.tokenizer;
    this.schedulerConfig = other.schedulerConfig;
    this.generationConfig = other.generationConfig;
    this.textEncoder = other.textEncoder;
    this.unet = other.unet;
    this.vae = other.vae;
    this.weights = other.weights;
    this.safetyChecker = Optional.of(safetyChecker);
  }

  private StableDiffusion(
      ModelDirectory directory, Optional<Numerics> wanted, ModelAdditions additions)
      throws IOException {
    this.safetyChecker = Optional.empty();
    this.directory = directory;
    this.numerics =
        wanted.orElse(directory.origin() == Origin.FLAX ? Numerics.FLAX : Numerics.TORCH);
    this.tokenizer = ClipTokenizer.load(directory.tokenizer());
    this.schedulerConfig = SchedulerConfig.read(directory.config("scheduler"));
    this.generationConfig =
        directory.has("generation")
            ? GenerationConfig.read(directory.config("generation"))
            : GenerationConfig.DEFAULT;
    this.textEncoder = ClipTextModel.read(directory.config(ClipTextModel.COMPONENT));
    this.unet = UNet2DCondition.read(directory.config(UNet2DCondition.COMPONENT), numerics);
    this.vae =
        AutoencoderKl.read(
            additions
                .vae()
                .map(ComponentDirectory::config)
                .orElseGet(() -> directory.config(AutoencoderKl.COMPONENT)));
    Weights textEncoderWeights = directory.weights(ClipTextModel.COMPONENT);
    Weights unetWeights = directory.weights(UNet2DCondition.COMPONENT);
    Weights vaeWeights =
        additions.vae().isPresent()
            ? additions.vae().get().weights()
            : directory.weights(AutoencoderKl.COMPONENT);
    requireOneModel(
        additions
            .vae()
            .map(vae -> vae.path().resolve("config.json").toString())
            .orElse("vae/config.json"));

    int tokens = tokenizer.maxLength();
    int sampleSize = sampleSize();
    Graph textGraph = textEncoder.graph(1);
    Graph unetGraph = unet.graph(1, sampleSize, sampleSize, tokens);
    textEncoderWeights.requireMatch(List.of(textGraph));
    unetWeights.requireMatch(List.of(unetGraph));
    vaeWeights.requireMatch(
        List.of(
            vae.decoderGraph(1, sampleSize, sampleSize),
            vae.encoderGraph(1, VAE_FACTOR * sampleSize, VAE_FACTOR * sampleSize)));
    this.weights =
        LoraMerge.merge(
            Map.of(
                ClipTextModel.COMPONENT,
                textEncoderWeights,
                UNet2DCondition.COMPONENT,
                unetWeights,
                AutoencoderKl.COMPONENT,
                vaeWeights),
            Map.of(ClipTextModel.COMPONENT, textGraph, UNet2DCondition.COMPONENT, unetGraph),
            additions.loras());
  }

  /** Components of one checkpoint fit each other; a folder put together by hand may not. */
  private void requireOneModel(String vaeConfig) throws ModelDirectoryException {
    List<String> problems = new ArrayList<>();
    requireEqual(
        problems,
        "tokenizer/tokenizer_config.json: model_max_length",
        tokenizer.maxLength(),
        "text_encoder/config.json: max_position_embeddings",
        textEncoder.config().maxPositions());
    requireEqual(
        problems,
        "unet/config.json: cross_attention_dim",
        unet.config().crossAttentionDim(),
        "text_encoder/config.json: hidden_size",
        textEncoder.config().hiddenSize());
    Optional<String> other = otherTask(unet.config().inChannels());
    if (other.isPresent()) {
      problems.add(other.get());
    } else {
      requireEqual(
          problems,
          "unet/config.json: in_channels",
          unet.config().inChannels(),
          vaeConfig + ": latent_channels",
          vae.config().latentChannels());
    }
    requireEqual(
        problems,
        "unet/config.json: out_channels",
        unet.config().outChannels(),
        vaeConfig + ": latent_channels",
        vae.config().latentChannels());
    if (tokenizer.vocabularySize() > textEncoder.config().vocabularySize()) {
      problems.add(
          "tokenizer/vocab.json has ids up to "
              + (tokenizer.vocabularySize() - 1)
              + ", but text_encoder/config.json: vocab_size is "
              + textEncoder.config().vocabularySize());
    }
    if (vae.config().downsamplingFactor() != VAE_FACTOR) {
      problems.add(
          vaeConfig
              + ": block_out_channels has "
              + vae.config().blockOutChannels().size()
              + " levels, but only 4, for latents of an eighth of the image, are supported");
    }
    if (!problems.isEmpty()) {
      if (other.isEmpty()) {
        problems.add(
            "text-to-image checkpoints of Stable Diffusion 1.x and 2.x fit, others may not");
      }
      throw new ModelDirectoryException(directory.path(), problems);
    }
  }

  /** What UNets are for that see more than latents. */
  private static Optional<String> otherTask(int inChannels) {
    Optional<String> task =
        switch (inChannels) {
          case 5 -> Optional.of("depth-to-image");
          case 7 -> Optional.of("upscaling");
          case 8 -> Optional.of("editing by instruction (pix2pix)");
          case 9 -> Optional.of("inpainting");
          default -> Optional.empty();
        };
    return task.map(
        name ->
            "unet/config.json: in_channels is "
                + inChannels
                + ", as in models for "
                + name
                + ", which are not supported; 4 is, of models that draw from text alone");
  }

  private static void requireEqual(
      List<String> problems, String first, int firstValue, String second, int secondValue) {
    if (firstValue != secondValue) {
      problems.add(first + " is " + firstValue + ", but " + second + " is " + secondValue);
    }
  }

  /**
   * Reads a diffusers folder, its weights' names and shapes included, and checks that all fits.
   *
   * @param numerics whose arithmetic to follow; empty for that of the checkpoint's origin
   * @throws IOException if a file cannot be read, is malformed, or does not fit the networks
   * @throws IllegalArgumentException if a config asks for what is not supported
   */
  public static StableDiffusion open(ModelDirectory directory, Optional<Numerics> numerics)
      throws IOException {
    return open(directory, numerics, ModelAdditions.NONE);
  }

  /**
   * As {@link #open(ModelDirectory, Optional)}, with LoRAs merged into the weights and perhaps
   * another VAE.
   *
   * @throws IOException also if an addition cannot be read, or does not fit the model
   */
  public static StableDiffusion open(
      ModelDirectory directory, Optional<Numerics> numerics, ModelAdditions additions)
      throws IOException {
    return new StableDiffusion(directory, numerics, additions);
  }

  /**
   * The same model with its safety checker, which then looks at every image drawn.
   *
   * @throws IOException if it has none, or a file of it cannot be read, is malformed or does not
   *     fit
   * @throws IllegalArgumentException if a config asks for what is not supported
   */
  public StableDiffusion withSafetyChecker() throws IOException {
    return new StableDiffusion(this, SafetyChecker.open(directory));
  }

  /** What looks at every image drawn; empty unless {@link #withSafetyChecker} asked for it. */
  public Optional<SafetyChecker> safetyChecker() {
    return safetyChecker;
  }

  public ModelDirectory directory() {
    return directory;
  }

  public Numerics numerics() {
    return numerics;
  }

  public ClipTokenizer tokenizer() {
    return tokenizer;
  }

  public SchedulerConfig schedulerConfig() {
    return schedulerConfig;
  }

  /** Steps and guidance for requests that name none. */
  public GenerationConfig generationConfig() {
    return generationConfig;
  }

  public int defaultWidthPixels() {
    return sampleSize() * vae.config().downsamplingFactor();
  }

  public int defaultHeightPixels() {
    return sampleSize() * vae.config().downsamplingFactor();
  }

  ClipTextModel textEncoder() {
    return textEncoder;
  }

  UNet2DCondition unet() {
    return unet;
  }

  AutoencoderKl vae() {
    return vae;
  }

  /** Height and width of the latents that images have unless asked for otherwise. */
  int sampleSize() {
    return unet.config().sampleSize();
  }

  /** The weights of every component, by its name; the safety checker's if it is asked for. */
  Map<String, ParameterSource> weights() {
    Map<String, ParameterSource> all = new HashMap<>(weights);
    safetyChecker.ifPresent(checker -> all.put(ClipVisionModel.COMPONENT, checker.weights()));
    return all;
  }

  /**
   * Whether a guidance scale asks for the unconditional half: PyTorch's pipeline runs it above 1,
   * Flax's always, of which 1 is the case in which it has no weight.
   */
  boolean guides(float guidanceScale) {
    return numerics == Numerics.FLAX ? guidanceScale != 1 : guidanceScale > 1;
  }
}
