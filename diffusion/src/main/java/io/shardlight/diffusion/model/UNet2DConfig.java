package io.shardlight.diffusion.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@code unet/config.json} decides. Values in brackets are the defaults of diffusers 0.5.1's
 * {@code UNet2DConditionModel}; Stable Diffusion v1-4 has them too, but for {@code
 * cross_attention_dim} 768.
 *
 * @param sampleSize {@code sample_size}, height and width of the latents it was trained on; images
 *     are so large unless asked for otherwise [64, as v1-4]
 * @param inChannels {@code in_channels} of the latents [4]
 * @param outChannels {@code out_channels} of the prediction [4]
 * @param flipSinToCos {@code flip_sin_to_cos}: cosines before sines in the time embedding [true]
 * @param freqShift {@code freq_shift} of the time embedding's frequencies [0]
 * @param downBlockTypes {@code down_block_types}, from fine to coarse
 * @param upBlockTypes {@code up_block_types}, from coarse to fine
 * @param blockOutChannels {@code block_out_channels}, from fine to coarse [320, 640, 1280, 1280]
 * @param layersPerBlock {@code layers_per_block} on the way down, one less than on the way up [2]
 * @param downsamplePadding {@code downsample_padding}, 0 or 1 [1]
 * @param midBlockScaleFactor {@code mid_block_scale_factor}, divides the outputs of the middle
 *     block's residual blocks [1]
 * @param normNumGroups {@code norm_num_groups} of every GroupNorm [32]
 * @param normEpsilon {@code norm_eps} of GroupNorms outside the transformers [1e-5]
 * @param crossAttentionDim {@code cross_attention_dim}, the width of a prompt's token [1280]
 * @param attentionHeads {@code attention_head_dim}, in spite of its name the number of heads, for
 *     each level from fine to coarse [8 for all; 5, 10, 20, 20 in Stable Diffusion 2]; the middle
 *     block has the last
 * @param linearProjection {@code use_linear_projection}: linear layers instead of 1x1 convolutions
 *     around a transformer [false; true in Stable Diffusion 2]
 */
public record UNet2DConfig(
    int sampleSize,
    int inChannels,
    int outChannels,
    boolean flipSinToCos,
    float freqShift,
    List<BlockType> downBlockTypes,
    List<BlockType> upBlockTypes,
    List<Integer> blockOutChannels,
    int layersPerBlock,
    int downsamplePadding,
    float midBlockScaleFactor,
    int normNumGroups,
    float normEpsilon,
    int crossAttentionDim,
    List<Integer> attentionHeads,
    boolean linearProjection) {

  private static final String FILE = UNet2DCondition.COMPONENT + "/config.json";

  /** Whether a level's layers attend to the prompt. */
  public enum BlockType {
    /** {@code CrossAttnDownBlock2D}, {@code CrossAttnUpBlock2D}. */
    CROSS_ATTENTION,
    /** {@code DownBlock2D}, {@code UpBlock2D}. */
    PLAIN;

    boolean attends() {
      return this == CROSS_ATTENTION;
    }
  }

  public UNet2DConfig {
    downBlockTypes = List.copyOf(downBlockTypes);
    upBlockTypes = List.copyOf(upBlockTypes);
    blockOutChannels = List.copyOf(blockOutChannels);
    attentionHeads = List.copyOf(attentionHeads);
    int levels = blockOutChannels.size();
    require(
        levels > 0 && downBlockTypes.size() == levels && upBlockTypes.size() == levels,
        "block_out_channels, down_block_types and up_block_types must be of one length, but are"
            + " of "
            + List.of(levels, downBlockTypes.size(), upBlockTypes.size()));
    require(
        attentionHeads.size() == levels,
        "attention_head_dim must be for " + levels + " levels, but is " + attentionHeads);
    for (int level = 0; level < levels; level++) {
      require(
          blockOutChannels.get(level) % attentionHeads.get(level) == 0,
          "the number of heads (attention_head_dim) must divide the level's block_out_channels,"
              + " but they are "
              + attentionHeads
              + " and "
              + blockOutChannels);
    }
    require(
        blockOutChannels.get(0) % 2 == 0,
        "the first of block_out_channels must be even for the time embedding, but is "
            + blockOutChannels.get(0));
    require(
        midBlockScaleFactor != 0 && Float.isFinite(midBlockScaleFactor),
        "mid_block_scale_factor must not be 0");
    require(
        downsamplePadding == 0 || downsamplePadding == 1,
        "downsample_padding must be 0 or 1, but is " + downsamplePadding);
  }

  /**
   * @throws UnsupportedConfigException naming key and value, if something is asked for that is not
   *     computed here
   */
  public static UNet2DConfig read(JsonNode json, Numerics numerics) {
    ConfigReader config = new ConfigReader(FILE, json);
    requireStableDiffusion(config);
    if (numerics == Numerics.FLAX) {
      requireFlaxConstants(config);
    }
    List<Integer> channels = config.counts("block_out_channels", List.of(320, 640, 1280, 1280));
    UNet2DConfig result =
        new UNet2DConfig(
            sampleSize(json, config.count("sample_size", 64), channels),
            config.count("in_channels", 4),
            config.count("out_channels", 4),
            config.flag("flip_sin_to_cos", true),
            config.number("freq_shift", 0),
            blockTypes(
                config,
                "down_block_types",
                "DownBlock2D",
                List.of(
                    "CrossAttnDownBlock2D",
                    "CrossAttnDownBlock2D",
                    "CrossAttnDownBlock2D",
                    "DownBlock2D")),
            blockTypes(
                config,
                "up_block_types",
                "UpBlock2D",
                List.of(
                    "UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D")),
            channels,
            config.count("layers_per_block", 2),
            Math.round(config.number("downsample_padding", 1)),
            config.number("mid_block_scale_factor", 1),
            config.count("norm_num_groups", 32),
            config.number("norm_eps", 1e-5f),
            config.count("cross_attention_dim", 1280),
            config.countForEach("attention_head_dim", 8, channels.size()),
            config.flag("use_linear_projection", false));
    config.refuseTheRest();
    return result;
  }

  /**
   * diffusers before 0.9 saved Stable Diffusion with sizes that it was not trained on, such as 32
   * in early v1-5; its pipelines since take 64 for these.
   */
  private static int sampleSize(JsonNode json, int stated, List<Integer> channels) {
    boolean early = json.path("_diffusers_version").asText().matches("0\\.[0-8](\\..*)?");
    boolean fullSize = channels.equals(List.of(320, 640, 1280, 1280));
    return early && fullSize ? Math.max(stated, 64) : stated;
  }

  /** The keys that select other networks, at the values of Stable Diffusion 1.x and 2.x. */
  private static void requireStableDiffusion(ConfigReader config) {
    config.require(
        "_class_name",
        "\"UNet2DConditionModel\"",
        "\"UNet2DConditionModel\"",
        "\"FlaxUNet2DConditionModel\"");
    // diffusers 0.5.1
    config.require("act_fn", "\"silu\"", "\"silu\"", "\"swish\"");
    config.require("center_input_sample", "false", "false");
    config.require("downsample_padding", "1", "0", "1");
    config.ignore("dropout");
    // later versions, to 0.39
    config.require("mid_block_type", "\"UNetMidBlock2DCrossAttn\"", "\"UNetMidBlock2DCrossAttn\"");
    config.require("only_cross_attention", "false", "false");
    config.require("mid_block_only_cross_attention", "null", "null", "false");
    config.require("transformer_layers_per_block", "1", "1");
    config.require("reverse_transformer_layers_per_block", "null", "null");
    config.require("encoder_hid_dim", "null", "null");
    config.require("encoder_hid_dim_type", "null", "null");
    config.require("num_attention_heads", "null", "null");
    config.require("dual_cross_attention", "false", "false");
    config.require("class_embed_type", "null", "null");
    config.require("num_class_embeds", "null", "null");
    config.require("projection_class_embeddings_input_dim", "null", "null");
    config.require("class_embeddings_concat", "false", "false");
    config.require("addition_embed_type", "null", "null");
    config.require("addition_time_embed_dim", "null", "null");
    config.require("resnet_time_scale_shift", "\"default\"", "\"default\"");
    config.require("resnet_skip_time_act", "false", "false");
    config.require("resnet_out_scale_factor", "1.0", "1.0");
    config.require("time_embedding_type", "\"positional\"", "\"positional\"");
    config.require("time_embedding_dim", "null", "null");
    config.require("time_embedding_act_fn", "null", "null");
    config.require("timestep_post_act", "null", "null");
    config.require("time_cond_proj_dim", "null", "null");
    config.require("conv_in_kernel", "3", "3");
    config.require("conv_out_kernel", "3", "3");
    config.require("attention_type", "\"default\"", "\"default\"");
    config.require("cross_attention_norm", "null", "null");
    // Heads of an addition embedding that is not there; and scores are float32 in any case, but for
    // cuDNN's kernel, whose bfloat16 has the range of float32.
    config.ignore("addition_embed_type_num_heads", "upcast_attention");
  }

  /** What {@code FlaxUNet2DConditionModel} 0.5.1 computes whatever the file says. */
  private static void requireFlaxConstants(ConfigReader config) {
    config.require("norm_num_groups", "32", "32");
    config.require("norm_eps", "1.0E-5", "1.0E-5");
    config.require("downsample_padding", "1", "1");
    config.require("flip_sin_to_cos", "true", "true");
    config.require("mid_block_scale_factor", "1", "1", "1.0");
  }

  private static List<BlockType> blockTypes(
      ConfigReader config, String key, String plain, List<String> absent) {
    String crossAttention = "CrossAttn" + plain;
    List<BlockType> types = new ArrayList<>();
    for (String type : config.texts(key, absent)) {
      // Checkpoints of before diffusers 0.1 carry this prefix.
      String name = type.startsWith("UNetRes") ? type.substring("UNetRes".length()) : type;
      if (name.equals(crossAttention)) {
        types.add(BlockType.CROSS_ATTENTION);
      } else if (name.equals(plain)) {
        types.add(BlockType.PLAIN);
      } else {
        throw config.refusal(key, "lists of " + crossAttention + " and " + plain);
      }
    }
    return types;
  }

  /**
   * @throws IllegalArgumentException if a network of this configuration cannot restore the size
   */
  void requireSize(int latentHeight, int latentWidth) {
    int multiple = 1 << (blockOutChannels.size() - 1);
    boolean divides = latentHeight % multiple == 0 && latentWidth % multiple == 0;
    if (downsamplePadding == 0 && !divides) {
      throw new IllegalArgumentException(
          String.format(
              "unet: with downsample_padding 0 the latents' height and width must be multiples of"
                  + " %d, but are %d x %d; choose an image size in multiples of %d pixels",
              multiple, latentHeight, latentWidth, 8 * multiple));
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new UnsupportedConfigException(FILE + ": " + message);
    }
  }
}
