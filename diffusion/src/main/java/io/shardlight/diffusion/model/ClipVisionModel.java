package io.shardlight.diffusion.model;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;

/**
 * CLIP's image encoder, a vision transformer, as the network of diffusers 0.5.1's {@code
 * StableDiffusionSafetyChecker}: patch, class and position embeddings, pre-norm transformer layers,
 * the class token's final norm and projection. PyTorch's and Flax's compute alike. Immutable and
 * thread-safe.
 *
 * <p>What the checker compares the result with lies in the same file: {@link #conceptGraph}.
 *
 * @see <a href="https://arxiv.org/abs/2010.11929">Dosovitskiy et al., section 3.1</a>
 * @see <a href="https://arxiv.org/abs/2103.00020">Radford et al., section 2.4</a>
 */
public final class ClipVisionModel {
  /** {@code safety_checker}, the component's folder. */
  public static final String COMPONENT = "safety_checker";

  /** Concepts of which none is to be in an image; a constant of diffusers. */
  public static final int CONCEPTS = 17;

  /** Concepts that make the checker stricter with an image; a constant of diffusers. */
  public static final int SPECIAL_CARE_CONCEPTS = 3;

  private static final int RGB = 3;

  private final Config config;

  public ClipVisionModel(Config config) {
    this.config = config;
  }

  /**
   * @param config {@code safety_checker/config.json}
   * @throws UnsupportedConfigException if it is of another network, or asks for something not
   *     computed here
   */
  public static ClipVisionModel read(JsonNode config) {
    return new ClipVisionModel(Config.read(config));
  }

  public Config config() {
    return config;
  }

  /**
   * Builds the graph. Input {@code clip_input}: float32 {@code [batch, 3, imageSize, imageSize]},
   * RGB, normalised by the mean and deviation of {@code preprocessor_config.json}. Output {@code
   * image_embeds}: float32 {@code [batch, 1, projectionSize]}, not normalised.
   *
   * @param batch images per run, at least 1
   */
  public Graph graph(int batch) {
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    TorchModules nn = new TorchModules(graph);
    String vision = "vision_model.vision_model";
    int size = config.imageSize();
    int patch = config.patchSize();

    // 1. embeddings
    Node image = graph.input("clip_input", DataType.FLOAT32, batch, RGB, size, size);
    String embeddings = vision + ".embeddings";
    Node kernel =
        graph.parameter(
            embeddings + ".patch_embedding.weight", config.hiddenSize(), RGB, patch, patch);
    Node patches = graph.conv2d(image, kernel, new Op.Conv2d(patch, 0, 0, 0, 0));
    Node classToken = graph.parameter(embeddings + ".class_embedding", config.hiddenSize());
    Node x = graph.prependToken(graph.flattenSpatial(patches), classToken);
    Node positionTable =
        graph.parameter(
            embeddings + ".position_embedding.weight", x.dimension(1), config.hiddenSize());
    x = graph.label(embeddings, graph.add(x, positionTable));
    // The name is misspelt in every checkpoint.
    x = nn.layerNorm(vision + ".pre_layrnorm", x, config.layerNormEpsilon());

    // 2. transformer layers
    for (int i = 0; i < config.layers(); i++) {
      x = layer(graph, nn, vision + ".encoder.layers." + i, x);
    }

    // 3. the class token's norm and projection
    x = graph.slice(x, 1, 0, 1);
    x = nn.layerNorm(vision + ".post_layernorm", x, config.layerNormEpsilon());
    graph.output(
        "image_embeds", nn.linearWithoutBias("visual_projection", x, config.projectionSize()));
    return graph.build();
  }

  private Node layer(GraphBuilder graph, TorchModules nn, String path, Node x) {
    // 1. self-attention
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
    x = graph.attention(query, key, value, config.attentionHeads(), scale, /* causal= */ false);
    return graph.label(path, nn.linear(path + ".out_proj", x, width));
  }

  /**
   * The rest of the component's weights, no network: embeddings of concepts, {@code concept_embeds}
   * {@code [17, projectionSize]} and {@code special_care_embeds} {@code [3, projectionSize]}, and
   * the cosines from which an image shows them, {@code concept_embeds_weights} {@code [17]} and
   * {@code special_care_embeds_weights} {@code [3]}. Each is an output of its own name.
   */
  public Graph conceptGraph() {
    GraphBuilder graph = new GraphBuilder(COMPONENT);
    int width = config.projectionSize();
    output(graph, "concept_embeds", CONCEPTS, width);
    output(graph, "special_care_embeds", SPECIAL_CARE_CONCEPTS, width);
    output(graph, "concept_embeds_weights", CONCEPTS);
    output(graph, "special_care_embeds_weights", SPECIAL_CARE_CONCEPTS);
    return graph.build();
  }

  private static void output(GraphBuilder graph, String name, long... shape) {
    graph.output(name, graph.parameter(name, shape));
  }

  /**
   * What {@code safety_checker/config.json} decides: {@code projection_dim}, and what is in its
   * {@code vision_config}, or in {@code vision_config_dict}, which goes first if there are both.
   * Defaults in brackets are those of transformers 4.23's {@code CLIPConfig} and {@code
   * CLIPVisionConfig}; Stable Diffusion v1-4 has the values after them.
   *
   * @param imageSize {@code image_size}, pixels of a side [224]
   * @param patchSize {@code patch_size}, pixels of a side of a token, a divisor of the image's
   *     [32]; 14
   * @param hiddenSize {@code hidden_size}, the width of a token [768]; 1024
   * @param intermediateSize {@code intermediate_size} of the feed-forward layers [3072]; 4096
   * @param layers {@code num_hidden_layers} [12]; 24
   * @param attentionHeads {@code num_attention_heads}, a divisor of the width [12]; 16
   * @param projectionSize {@code projection_dim} [512]; 768
   * @param hiddenActivation {@code hidden_act} [quick_gelu]
   * @param layerNormEpsilon {@code layer_norm_eps} [1e-5]
   */
  public record Config(
      int imageSize,
      int patchSize,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int attentionHeads,
      int projectionSize,
      Activation hiddenActivation,
      float layerNormEpsilon) {
    private static final String FILE = COMPONENT + "/config.json";

    /** diffusers' and its Flax twin's; other checkers have networks and rules of their own. */
    private static final String[] ARCHITECTURES = {
      "null", "\"StableDiffusionSafetyChecker\"", "\"FlaxStableDiffusionSafetyChecker\""
    };

    public Config {
      requireDivisor("num_attention_heads", attentionHeads, "hidden_size", hiddenSize);
      requireDivisor("patch_size", patchSize, "image_size", imageSize);
    }

    private static void requireDivisor(String key, int divisor, String ofKey, int number) {
      if (divisor < 1 || number % divisor != 0) {
        throw new UnsupportedConfigException(
            String.format(
                "%s: %s must divide %s %d, but is %d", FILE, key, ofKey, number, divisor));
      }
    }

    /**
     * @throws UnsupportedConfigException naming key and value, if something else is asked for
     */
    public static Config read(JsonNode json) {
      ConfigReader config = new ConfigReader(FILE, json);
      config.require("architectures", "null", ARCHITECTURES);
      config.require("model_type", "\"clip\"", "\"clip\"");
      String part =
          json.path("vision_config_dict").isObject() ? "vision_config_dict" : "vision_config";
      ConfigReader vision = new ConfigReader(FILE + ": " + part, json.path(part));
      vision.require("model_type", "\"clip_vision_model\"", "\"clip_vision_model\"");
      vision.require("num_channels", "3", "3");
      // transformers writes dozens of keys of its own (labels, generation) into any config, so that
      // here, unlike in diffusers' files, other keys are left alone.
      return new Config(
          vision.count("image_size", 224),
          vision.count("patch_size", 32),
          vision.count("hidden_size", 768),
          vision.count("intermediate_size", 3072),
          vision.count("num_hidden_layers", 12),
          vision.count("num_attention_heads", 12),
          config.count("projection_dim", 512),
          vision.activation("hidden_act", Activation.QUICK_GELU),
          vision.number("layer_norm_eps", 1e-5f));
    }
  }
}
