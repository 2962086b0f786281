package io.shardlight.diffusion.model;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The network that predicts the noise in latents, conditioned on a timestep and a prompt: diffusers
 * 0.5.1's {@code UNet2DConditionModel}. A U of residual blocks with skip connections, and at most
 * resolutions a transformer that attends to the prompt. Immutable and thread-safe.
 *
 * @see <a href="https://arxiv.org/abs/2112.10752">Rombach et al., section 3.3</a>
 */
public final class UNet2DCondition {
  /** {@code unet}, the component's folder. */
  public static final String COMPONENT = "unet";

  /** Of {@code torch.nn.LayerNorm}, and {@code FlaxBasicTransformerBlock}. */
  private static final float LAYER_NORM_EPSILON = 1e-5f;

  private final UNet2DConfig config;
  private final Numerics numerics;

  public UNet2DCondition(UNet2DConfig config, Numerics numerics) {
    this.config = config;
    this.numerics = numerics;
  }

  /**
   * @param config {@code unet/config.json}
   * @throws UnsupportedConfigException if it asks for something not computed here
   */
  public static UNet2DCondition read(JsonNode config, Numerics numerics) {
    return new UNet2DCondition(UNet2DConfig.read(config, numerics), numerics);
  }

  public UNet2DConfig config() {
    return config;
  }

  /**
   * Builds the graph. Inputs: {@code sample}, float32 {@code [batch, inChannels, latentHeight,
   * latentWidth]}, latents scaled by the scheduler; {@code timestep}, float32 {@code [batch]}, in
   * [0, 1000); {@code encoder_hidden_states}, float32 {@code [batch, tokens, crossAttentionDim]}.
   * Output: {@code noise_prediction}, float32, shape of {@code sample}.
   *
   * <p>A size that halves with a remainder on the way down is restored on the way up, as PyTorch
   * does; Flax has no such sizes.
   *
   * @param batch latents per run, at least 1
   * @param latentHeight image height / 8, at least 1
   * @param latentWidth image width / 8, at least 1
   * @param tokens tokens of a prompt, 77
   * @throws io.shardlight.diffusion.graph.ShapeMismatchException if the configuration's numbers of
   *     channels and groups do not fit together
   * @throws IllegalArgumentException if the size halves with a remainder and {@code
   *     downsample_padding} is 0
   */
  public Graph graph(int batch, int latentHeight, int latentWidth, int tokens) {
    return graph(batch, 1, latentHeight, latentWidth, tokens);
  }

  /**
   * Builds the graph for classifier-free guidance, which looks at each latent twice, without its
   * prompt and with it. What comes before the first attention to the prompt is the same for both
   * and computed once. Inputs and output are those of {@link #graph}, but {@code
   * encoder_hidden_states} is {@code [2 × batch, tokens, crossAttentionDim]} and {@code
   * noise_prediction} {@code [2 × batch, inChannels, latentHeight, latentWidth]}, all unconditional
   * ones first.
   *
   * @throws io.shardlight.diffusion.graph.ShapeMismatchException as {@link #graph}
   * @throws IllegalArgumentException likewise
   */
  public Graph guidedGraph(int batch, int latentHeight, int latentWidth, int tokens) {
    return graph(batch, 2, latentHeight, latentWidth, tokens);
  }

  private Graph graph(int batch, int passes, int latentHeight, int latentWidth, int tokens) {
    config.requireSize(latentHeight, latentWidth);
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    Node sample =
        graph.input(
            "sample", DataType.FLOAT32, batch, config.inChannels(), latentHeight, latentWidth);
    Node timestep = graph.input("timestep", DataType.FLOAT32, batch);
    Node prompt =
        graph.input(
            "encoder_hidden_states",
            DataType.FLOAT32,
            (long) passes * batch,
            tokens,
            config.crossAttentionDim());
    graph.output("noise_prediction", new Pass(graph, timestep, prompt).run(sample));
    return graph.build();
  }

  /** One forward pass being written down. */
  private final class Pass {
    private final GraphBuilder graph;
    private final TorchModules nn;
    private final Node prompt;

    /** {@code silu(time_embedding)}, where every residual block begins with it. */
    private final Node activatedTime;

    private final Deque<Node> skips = new ArrayDeque<>();
    private final Map<Node, Node> repeated = new HashMap<>();

    Pass(GraphBuilder graph, Node timestep, Node prompt) {
      this.graph = graph;
      this.nn = new TorchModules(graph);
      this.prompt = prompt;
      this.activatedTime = nn.silu(embedTime(timestep));
    }

    // 1. time
    private Node embedTime(Node timestep) {
      int width = config.blockOutChannels().get(0);
      Node x =
          graph.sinusoidalEmbedding(timestep, width, config.flipSinToCos(), config.freqShift());
      x = nn.linear("time_embedding.linear_1", graph.label("time_proj", x), 4 * width);
      x = graph.label("time_embedding.act", nn.silu(x));
      return graph.label("time_embedding", nn.linear("time_embedding.linear_2", x, 4 * width));
    }

    Node run(Node sample) {
      List<Integer> channels = config.blockOutChannels();
      int levels = channels.size();

      // 2. pre-process
      Node x = nn.conv2d("conv_in", sample, channels.get(0), 3, 1, 1);
      skips.push(x);

      // 3. down
      for (int level = 0; level < levels; level++) {
        x = downBlock(level, x);
      }

      // 4. mid
      x = midBlock(channels.get(levels - 1), x);

      // 5. up
      for (int i = 0; i < levels; i++) {
        x = upBlock(i, levels - 1 - i, x);
      }

      // 6. post-process
      x = normalise("conv_norm_out", x);
      x = graph.label("conv_act", nn.silu(x));
      return nn.conv2d("conv_out", x, config.outChannels(), 3, 1, 1);
    }

    /** The node for each pass of {@code like}: twice the same from where prompts are looked at. */
    private Node forEachPass(Node node, Node like) {
      return node.dimension(0) == like.dimension(0)
          ? node
          : repeated.computeIfAbsent(node, once -> graph.concat(once, once, 0));
    }

    /** CrossAttnDownBlock2D, DownBlock2D; keeps each layer's output for the way up. */
    private Node downBlock(int level, Node x) {
      String path = "down_blocks." + level;
      int channels = config.blockOutChannels().get(level);
      for (int i = 0; i < config.layersPerBlock(); i++) {
        x = resnet(path + ".resnets." + i, x, channels, 1);
        if (config.downBlockTypes().get(level).attends()) {
          x = transformer(path + ".attentions." + i, x, config.attentionHeads().get(level));
        }
        skips.push(x);
      }
      if (level < config.blockOutChannels().size() - 1) {
        x = downsample(path + ".downsamplers.0", x);
        skips.push(x);
      }
      return graph.label(path, x);
    }

    /** UNetMidBlock2DCrossAttn. */
    private Node midBlock(int channels, Node x) {
      List<Integer> heads = config.attentionHeads();
      float scale = config.midBlockScaleFactor();
      x = resnet("mid_block.resnets.0", x, channels, scale);
      x = transformer("mid_block.attentions.0", x, heads.get(heads.size() - 1));
      return graph.label("mid_block", resnet("mid_block.resnets.1", x, channels, scale));
    }

    /**
     * CrossAttnUpBlock2D, UpBlock2D; one layer more than on the way down, each joined to a skip.
     *
     * @param level the level of the same resolution on the way down
     */
    private Node upBlock(int index, int level, Node x) {
      String path = "up_blocks." + index;
      int channels = config.blockOutChannels().get(level);
      for (int i = 0; i <= config.layersPerBlock(); i++) {
        x =
            resnet(
                path + ".resnets." + i,
                graph.concat(x, forEachPass(skips.pop(), x), 1),
                channels,
                1);
        if (config.upBlockTypes().get(index).attends()) {
          x = transformer(path + ".attentions." + i, x, config.attentionHeads().get(level));
        }
      }
      if (level > 0) {
        x = upsample(path + ".upsamplers.0", x, skips.element());
      }
      return graph.label(path, x);
    }

    /**
     * ResnetBlock2D: two convolutions, the time between them, around a shortcut.
     *
     * @param scale divides the result, diffusers' {@code output_scale_factor}
     */
    private Node resnet(String path, Node x, int outChannels, float scale) {
      Node shortcut = x;
      x = nn.silu(normalise(path + ".norm1", x));
      x = nn.conv2d(path + ".conv1", x, outChannels, 3, 1, 1);
      Node time = forEachPass(activatedTime, x);
      x = graph.addPerChannel(x, nn.linear(path + ".time_emb_proj", time, outChannels));
      x = nn.silu(normalise(path + ".norm2", x));
      x = nn.conv2d(path + ".conv2", x, outChannels, 3, 1, 1);
      if (shortcut.dimension(1) != outChannels) {
        shortcut = nn.conv2d(path + ".conv_shortcut", shortcut, outChannels, 1, 1, 0);
      }
      x = graph.add(shortcut, x);
      return graph.label(path, scale == 1 ? x : graph.scale(x, 1 / scale));
    }

    /** SpatialTransformer of depth 1: pixels as tokens through one transformer block. */
    private Node transformer(String path, Node image, int heads) {
      int channels = Math.toIntExact(image.dimension(1));
      Node x =
          nn.groupNorm(
              path + ".norm", image, config.normNumGroups(), numerics.transformerNormEpsilon());
      boolean linear = config.linearProjection();
      x = linear ? x : nn.conv2d(path + ".proj_in", x, channels, 1, 1, 0);
      x = graph.flattenSpatial(x);
      x = linear ? nn.linear(path + ".proj_in", x, channels) : x;
      x = transformerBlock(path + ".transformer_blocks.0", x, heads);
      x = linear ? nn.linear(path + ".proj_out", x, channels) : x;
      x = graph.unflattenSpatial(x, image.dimension(2), image.dimension(3));
      x = linear ? x : nn.conv2d(path + ".proj_out", x, channels, 1, 1, 0);
      return graph.label(path, graph.add(x, forEachPass(image, x)));
    }

    /** BasicTransformerBlock: attention to itself, attention to the prompt, feed-forward. */
    private Node transformerBlock(String path, Node x, int heads) {
      Node normed = nn.layerNorm(path + ".norm1", x, LAYER_NORM_EPSILON);
      x = graph.add(attention(path + ".attn1", normed, normed, heads), x);
      x = forEachPass(x, prompt);
      normed = nn.layerNorm(path + ".norm2", x, LAYER_NORM_EPSILON);
      x = graph.add(attention(path + ".attn2", normed, prompt, heads), x);
      normed = nn.layerNorm(path + ".norm3", x, LAYER_NORM_EPSILON);
      return graph.label(path, graph.add(feedForward(path + ".ff", normed), x));
    }

    /** CrossAttention: {@code x} asks, {@code context} answers. */
    private Node attention(String path, Node x, Node context, int heads) {
      int channels = Math.toIntExact(x.dimension(-1));
      Node query = nn.linearWithoutBias(path + ".to_q", x, channels);
      Node key = nn.linearWithoutBias(path + ".to_k", context, channels);
      Node value = nn.linearWithoutBias(path + ".to_v", context, channels);
      float scale = (float) Math.pow((double) channels / heads, -0.5);
      x = graph.attention(query, key, value, heads, scale, /* causal= */ false);
      x = graph.label(path + ".to_out", nn.linear(path + ".to_out.0", x, channels));
      return graph.label(path, x);
    }

    /**
     * FeedForward with GEGLU, Shazeer, arXiv:2002.05202, section 2: the first half of {@code
     * net.0.proj}'s outputs is gated by GELU of the second half.
     */
    private Node feedForward(String path, Node x) {
      int channels = Math.toIntExact(x.dimension(-1));
      int inner = 4 * channels;
      String proj = path + ".net.0.proj";
      Node hidden = nn.linearRows(proj, x, 2 * inner, 0, inner);
      Node gate = nn.linearRows(proj, x, 2 * inner, inner, 2 * inner);
      x = graph.multiply(hidden, graph.activate(gate, numerics.feedForwardGate()));
      graph.label(path + ".net.0", x);
      x = graph.label(path + ".net", nn.linear(path + ".net.2", x, channels));
      return graph.label(path, x);
    }

    /** Downsample2D: halves height and width; without padding, a row and a column are added. */
    private Node downsample(String path, Node x) {
      int channels = Math.toIntExact(x.dimension(1));
      Op.Conv2d conv =
          config.downsamplePadding() == 0
              ? new Op.Conv2d(2, 0, 0, 1, 1)
              : new Op.Conv2d(2, 1, 1, 1, 1);
      return graph.label(path, nn.conv2d(path + ".conv", x, channels, 3, conv));
    }

    /**
     * Upsample2D to the size of the next skip. PyTorch's nearest interpolation from n to 2n - 1
     * repeats each pixel but the last, so it is the doubled image without its last row or column.
     */
    private Node upsample(String path, Node x, Node skip) {
      x = graph.upsampleNearest2x(x);
      for (int axis = 2; axis <= 3; axis++) {
        if (skip.dimension(axis) < x.dimension(axis)) {
          x = graph.slice(x, axis, 0, skip.dimension(axis));
        }
      }
      int channels = Math.toIntExact(x.dimension(1));
      return graph.label(path, nn.conv2d(path + ".conv", x, channels, 3, 1, 1));
    }

    private Node normalise(String path, Node x) {
      return nn.groupNorm(path, x, config.normNumGroups(), config.normEpsilon());
    }
  }
}
