package io.shardlight.diffusion.model;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.util.List;

/**
 * The variational autoencoder between images and latents: diffusers 0.5.1's {@code AutoencoderKL}.
 * PyTorch's and Flax's compute alike. Immutable and thread-safe.
 *
 * @see <a href="https://arxiv.org/abs/2112.10752">Rombach et al., section 3.1 and appendix G</a>
 */
public final class AutoencoderKl {
  /** {@code vae}, the component's folder. */
  public static final String COMPONENT = "vae";

  /** Of every GroupNorm in diffusers' {@code Encoder} and {@code Decoder}. */
  private static final float NORM_EPSILON = 1e-6f;

  private final AutoencoderKlConfig config;

  public AutoencoderKl(AutoencoderKlConfig config) {
    this.config = config;
  }

  /**
   * @param config {@code vae/config.json}
   * @throws UnsupportedConfigException if it asks for something not computed here
   */
  public static AutoencoderKl read(JsonNode config) {
    return new AutoencoderKl(AutoencoderKlConfig.read(config));
  }

  public AutoencoderKlConfig config() {
    return config;
  }

  /**
   * Builds the decoder. Input {@code latents}: float32 {@code [batch, latentChannels, latentHeight,
   * latentWidth]}, already divided by the scaling factor. Output {@code image}: float32 {@code
   * [batch, outChannels, f * latentHeight, f * latentWidth]} with {@code f} = {@link
   * AutoencoderKlConfig#downsamplingFactor()}, RGB, about in [-1, 1], not clamped.
   *
   * @throws io.shardlight.diffusion.graph.ShapeMismatchException if the configuration's numbers of
   *     channels and groups do not fit together
   */
  public Graph decoderGraph(int batch, int latentHeight, int latentWidth) {
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    Node latents =
        graph.input(
            "latents", DataType.FLOAT32, batch, config.latentChannels(), latentHeight, latentWidth);
    graph.output("image", new Pass(graph).decode(latents));
    return graph.build();
  }

  /**
   * Builds the encoder. Input {@code image}: float32 {@code [batch, inChannels, height, width]},
   * RGB in [-1, 1]. Outputs {@code mean} and {@code logvar} of the latents' normal distribution
   * (Kingma and Welling, arXiv:1312.6114): float32 {@code [batch, latentChannels, height / f, width
   * / f]}, not multiplied by the scaling factor; {@code logvar} is limited to [-30, 20].
   *
   * @throws IllegalArgumentException if height or width is not a multiple of {@code f} = {@link
   *     AutoencoderKlConfig#downsamplingFactor()}
   * @throws io.shardlight.diffusion.graph.ShapeMismatchException if the configuration's numbers of
   *     channels and groups do not fit together
   */
  public Graph encoderGraph(int batch, int height, int width) {
    int factor = config.downsamplingFactor();
    if (height % factor != 0 || width % factor != 0) {
      throw new IllegalArgumentException(
          String.format(
              "vae: the image's height and width must be multiples of %d, but are %d x %d; crop or"
                  + " resize it first",
              factor, height, width));
    }
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    Node image = graph.input("image", DataType.FLOAT32, batch, config.inChannels(), height, width);
    Node moments = new Pass(graph).encode(image);
    int latentChannels = config.latentChannels();
    graph.output("mean", graph.slice(moments, 1, 0, latentChannels));
    graph.output(
        "logvar",
        graph.clamp(graph.slice(moments, 1, latentChannels, 2L * latentChannels), -30, 20));
    return graph.build();
  }

  /** One forward pass being written down. */
  private final class Pass {
    private final GraphBuilder graph;
    private final TorchModules nn;
    private final List<Integer> channels = config.blockOutChannels();
    private final int coarsest = channels.size() - 1;

    Pass(GraphBuilder graph) {
      this.graph = graph;
      this.nn = new TorchModules(graph);
    }

    Node decode(Node latents) {
      // 1. pre-process
      Node x = nn.conv2d("post_quant_conv", latents, config.latentChannels(), 1, 1, 0);
      x = nn.conv2d("decoder.conv_in", x, channels.get(coarsest), 3, 1, 1);

      // 2. mid
      x = midBlock("decoder.mid_block", x);

      // 3. up
      for (int i = 0; i <= coarsest; i++) {
        x = upBlock("decoder.up_blocks." + i, coarsest - i, x);
      }

      // 4. post-process
      return head("decoder", x, config.outChannels());
    }

    Node encode(Node image) {
      // 1. pre-process
      Node x = nn.conv2d("encoder.conv_in", image, channels.get(0), 3, 1, 1);

      // 2. down
      for (int level = 0; level <= coarsest; level++) {
        x = downBlock("encoder.down_blocks." + level, level, x);
      }

      // 3. mid
      x = midBlock("encoder.mid_block", x);

      // 4. post-process
      int moments = 2 * config.latentChannels();
      return nn.conv2d("quant_conv", head("encoder", x, moments), moments, 1, 1, 0);
    }

    /** DownEncoderBlock2D. */
    private Node downBlock(String path, int level, Node x) {
      for (int i = 0; i < config.layersPerBlock(); i++) {
        x = resnet(path + ".resnets." + i, x, channels.get(level));
      }
      if (level < coarsest) {
        // Zeros below and to the right only: F.pad(x, (0, 1, 0, 1)).
        Op.Conv2d conv = new Op.Conv2d(2, 0, 0, 1, 1);
        x = nn.conv2d(path + ".downsamplers.0.conv", x, channels.get(level), 3, conv);
        graph.label(path + ".downsamplers.0", x);
      }
      return graph.label(path, x);
    }

    /** UNetMidBlock2D. */
    private Node midBlock(String path, Node x) {
      x = resnet(path + ".resnets.0", x, channels.get(coarsest));
      x = attention(path + ".attentions.0", x);
      return graph.label(path, resnet(path + ".resnets.1", x, channels.get(coarsest)));
    }

    /** UpDecoderBlock2D; one layer more than on the way down. */
    private Node upBlock(String path, int level, Node x) {
      for (int i = 0; i <= config.layersPerBlock(); i++) {
        x = resnet(path + ".resnets." + i, x, channels.get(level));
      }
      if (level > 0) {
        x = graph.upsampleNearest2x(x);
        x = nn.conv2d(path + ".upsamplers.0.conv", x, channels.get(level), 3, 1, 1);
        graph.label(path + ".upsamplers.0", x);
      }
      return graph.label(path, x);
    }

    /** ResnetBlock2D without time: two convolutions around a shortcut. */
    private Node resnet(String path, Node x, int outChannels) {
      Node shortcut = x;
      x = nn.silu(normalise(path + ".norm1", x));
      x = nn.conv2d(path + ".conv1", x, outChannels, 3, 1, 1);
      x = nn.silu(normalise(path + ".norm2", x));
      x = nn.conv2d(path + ".conv2", x, outChannels, 3, 1, 1);
      if (shortcut.dimension(1) != outChannels) {
        shortcut = nn.conv2d(path + ".conv_shortcut", shortcut, outChannels, 1, 1, 0);
      }
      return graph.label(path, graph.add(shortcut, x));
    }

    /** AttentionBlock: every pixel attends to every pixel, with a single head. */
    private Node attention(String path, Node image) {
      int width = Math.toIntExact(image.dimension(1));
      Node x = graph.flattenSpatial(normalise(path + ".group_norm", image));
      Node query = nn.linear(path + ".query", x, width);
      Node key = nn.linear(path + ".key", x, width);
      Node value = nn.linear(path + ".value", x, width);
      float scale = (float) Math.pow(width, -0.5);
      x = graph.attention(query, key, value, 1, scale, /* causal= */ false);
      x = nn.linear(path + ".proj_attn", x, width);
      x = graph.unflattenSpatial(x, image.dimension(2), image.dimension(3));
      return graph.label(path, graph.add(x, image));
    }

    private Node head(String path, Node x, int outChannels) {
      x = graph.label(path + ".conv_act", nn.silu(normalise(path + ".conv_norm_out", x)));
      return nn.conv2d(path + ".conv_out", x, outChannels, 3, 1, 1);
    }

    private Node normalise(String path, Node x) {
      return nn.groupNorm(path, x, config.normNumGroups(), NORM_EPSILON);
    }
  }
}
