package io.shardlight.diffusion.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * What {@code vae/config.json} decides. Values in brackets are the defaults of diffusers 0.5.1's
 * {@code AutoencoderKL}, followed by those of Stable Diffusion v1-4 where they differ.
 *
 * @param inChannels {@code in_channels} of the encoder's image [3]
 * @param outChannels {@code out_channels} of the decoder's image [3]
 * @param latentChannels {@code latent_channels} [4]
 * @param blockOutChannels {@code block_out_channels}, from fine to coarse [64]; 128, 256, 512, 512
 * @param layersPerBlock {@code layers_per_block} of the encoder, one less than of the decoder [1];
 *     2
 * @param normNumGroups {@code norm_num_groups} [32]
 * @param scalingFactor {@code scaling_factor}: the denoiser works on latents multiplied by it
 *     [0.18215, which 0.5.1's pipelines have as a constant]
 */
public record AutoencoderKlConfig(
    int inChannels,
    int outChannels,
    int latentChannels,
    List<Integer> blockOutChannels,
    int layersPerBlock,
    int normNumGroups,
    float scalingFactor) {

  private static final String FILE = AutoencoderKl.COMPONENT + "/config.json";

  public AutoencoderKlConfig {
    blockOutChannels = List.copyOf(blockOutChannels);
    if (blockOutChannels.isEmpty()) {
      throw new UnsupportedConfigException(FILE + ": block_out_channels must not be empty");
    }
    if (!(scalingFactor > 0 && Float.isFinite(scalingFactor))) {
      throw new UnsupportedConfigException(
          FILE + ": scaling_factor must be positive, but is " + scalingFactor);
    }
  }

  /** Pixels of an image per latent, in height and in width; 8 in Stable Diffusion. */
  public int downsamplingFactor() {
    return 1 << (blockOutChannels.size() - 1);
  }

  /**
   * @throws UnsupportedConfigException naming key and value, if something is asked for that is not
   *     computed here
   */
  public static AutoencoderKlConfig read(JsonNode json) {
    ConfigReader config = new ConfigReader(FILE, json);
    config.require(
        "_class_name", "\"AutoencoderKL\"", "\"AutoencoderKL\"", "\"FlaxAutoencoderKL\"");
    // diffusers 0.5.1
    config.require("act_fn", "\"silu\"", "\"silu\"", "\"swish\"");
    config.ignore("sample_size");
    // later versions, to 0.39
    config.require("shift_factor", "null", "null");
    config.require("latents_mean", "null", "null");
    config.require("latents_std", "null", "null");
    config.require("use_quant_conv", "true", "true");
    config.require("use_post_quant_conv", "true", "true");
    config.require("mid_block_add_attention", "true", "true");
    // Asks for the range of float32, which bfloat16 has too; float16 is not computed in.
    config.ignore("force_upcast");
    List<Integer> channels = config.counts("block_out_channels", List.of(64));
    requireBlocks(config, "down_block_types", "DownEncoderBlock2D", channels.size());
    requireBlocks(config, "up_block_types", "UpDecoderBlock2D", channels.size());
    AutoencoderKlConfig result =
        new AutoencoderKlConfig(
            config.count("in_channels", 3),
            config.count("out_channels", 3),
            config.count("latent_channels", 4),
            channels,
            config.count("layers_per_block", 1),
            config.count("norm_num_groups", 32),
            config.number("scaling_factor", 0.18215f));
    config.refuseTheRest();
    return result;
  }

  private static void requireBlocks(ConfigReader config, String key, String type, int levels) {
    List<String> types = config.texts(key, List.of(type));
    if (types.size() != levels || !types.stream().allMatch(type::equals)) {
      throw config.refusal(
          key, "a list of " + levels + " times " + type + " (one for each of block_out_channels)");
    }
  }
}
