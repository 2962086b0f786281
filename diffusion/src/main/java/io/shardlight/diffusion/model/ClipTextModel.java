package io.shardlight.diffusion.model;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;

/**
 * CLIP's text encoder, as transformers 4.23's {@code CLIPTextModel} computes {@code
 * last_hidden_state}: token and position embeddings, pre-norm transformer layers with causal
 * attention, a final LayerNorm. Padding is attended to like any token. Immutable and thread-safe.
 *
 * @see <a href="https://arxiv.org/abs/2103.00020">Radford et al., section 2.4</a>
 */
public final class ClipTextModel {
  /** {@code text_encoder}, the component's folder. */
  public static final String COMPONENT = "text_encoder";

  private final Config config;

  public ClipTextModel(Config config) {
    this.config = config;
  }

  /**
   * @param config {@code text_encoder/config.json}
   * @throws UnsupportedConfigException if it asks for something not computed here
   */
  public static ClipTextModel read(JsonNode config) {
    return new ClipTextModel(Config.read(config));
  }

  public Config config() {
    return config;
  }

  /**
   * Builds the graph. Input {@code input_ids}: int64 {@code [batch, maxPositions]} (77 tokens in
   * Stable Diffusion). Output {@code last_hidden_state}: float32 {@code [batch, maxPositions,
   * hiddenSize]}.
   *
   * @param batch prompts per run, at least 1
   */
  public Graph graph(int batch) {
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    TorchModules nn = new TorchModules(graph);

    // 1. embeddings
    Node ids = graph.input("input_ids", DataType.INT64, batch, config.maxPositions());
    String embeddings = "text_model.embeddings";
    Node tokenTable =
        graph.parameter(
            embeddings + ".token_embedding.weight", config.vocabularySize(), config.hiddenSize());
    Node positionTable =
        graph.parameter(
            embeddings + ".position_embedding.weight", config.maxPositions(), config.hiddenSize());
    Node x = graph.label(embeddings, graph.add(graph.embedding(tokenTable, ids), positionTable));

    // 2. transformer layers
    for (int i = 0; i < config.layers(); i++) {
      x = layer(graph, nn, "text_model.encoder.layers." + i, x);
    }

    // 3. final norm
    x = nn.layerNorm("text_model.final_layer_norm", x, config.layerNormEpsilon());
    graph.output("last_hidden_state", x);
    return graph.build();
  }

  private Node layer(GraphBuilder graph, TorchModules nn, String path, Node x) {
    // 1. causal self-attention
    Node residual = x;
    x = nn.layerNorm(path + ".layer_norm1", x, config.layerNormEpsilon());
    x = graph.add(attention(graph, nn, path + ".self_attn", x), residual);

    // 2. feed-forward
    residual = x;
    x = nn.layerNorm(path + ".layer_norm2", x, config.layerNormEpsilon());
    x = nn.linear(path + ".mlp.fc1", x, config.intermediateSize());
    x = graph.activate(x, config.hiddenActivation());
    x = graph.label(path + ".mlp", nn.linear(path + ".mlp.fc2", x, config.hiddenSize()));
    return graph.label(path, graph.add(x, residual));
  }

  private Node attention(GraphBuilder graph, TorchModules nn, String path, Node x) {
    int width = config.hiddenSize();
    Node query = nn.linear(path + ".q_proj", x, width);
    Node key = nn.linear(path + ".k_proj", x, width);
    Node value = nn.linear(path + ".v_proj", x, width);
    float scale = (float) Math.pow((double) width / config.attentionHeads(), -0.5);
    x = graph.attention(query, key, value, config.attentionHeads(), scale, /* causal= */ true);
    return graph.label(path, nn.linear(path + ".out_proj", x, width));
  }

  /**
   * What {@code text_encoder/config.json} decides. Defaults in brackets are those of transformers
   * 4.23's {@code CLIPTextConfig}; Stable Diffusion v1-4 has the values after them.
   *
   * @param vocabularySize {@code vocab_size} [49408]
   * @param hiddenSize {@code hidden_size}, the width of a token [512]; 768
   * @param intermediateSize {@code intermediate_size} of the feed-forward layers [2048]; 3072
   * @param layers {@code num_hidden_layers} [12]
   * @param attentionHeads {@code num_attention_heads}, a divisor of the width [8]; 12
   * @param maxPositions {@code max_position_embeddings}, the number of tokens of a prompt [77]
   * @param hiddenActivation {@code hidden_act} [quick_gelu]
   * @param layerNormEpsilon {@code layer_norm_eps} [1e-5]
   */
  public record Config(
      int vocabularySize,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int attentionHeads,
      int maxPositions,
      Activation hiddenActivation,
      float layerNormEpsilon) {
    private static final String FILE = COMPONENT + "/config.json";

    public Config {
      if (attentionHeads < 1 || hiddenSize % attentionHeads != 0) {
        throw new UnsupportedConfigException(
            String.format(
                "%s: num_attention_heads must divide hidden_size %d, but is %d",
                FILE, hiddenSize, attentionHeads));
      }
    }

    /**
     * @throws UnsupportedConfigException naming key and value, if something else is asked for
     */
    public static Config read(JsonNode json) {
      ConfigReader config = new ConfigReader(FILE, json);
      config.require("model_type", "\"clip_text_model\"", "\"clip_text_model\"");
      config.require("is_decoder", "false", "false");
      config.require("add_cross_attention", "false", "false");
      config.require("pruned_heads", "null", "null", "{}");
      // transformers writes dozens of keys of its own (labels, generation) into any config, so that
      // here, unlike in diffusers' files, other keys are left alone.
      return new Config(
          config.count("vocab_size", 49408),
          config.count("hidden_size", 512),
          config.count("intermediate_size", 2048),
          config.count("num_hidden_layers", 12),
          config.count("num_attention_heads", 8),
          config.count("max_position_embeddings", 77),
          config.activation("hidden_act", Activation.QUICK_GELU),
          config.number("layer_norm_eps", 1e-5f));
    }
  }
}
