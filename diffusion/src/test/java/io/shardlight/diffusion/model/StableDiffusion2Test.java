package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Networks of the kind of Stable Diffusion 2: a tiny one's numbers, and the real one's configs. */
class StableDiffusion2Test {
  private static final double TEXT = 1e-5;
  private static final double TOLERANCE = 2e-5;

  private static final NpzArchive GOLDEN = Golden.archive("families/networks.npz");

  private final ModelDirectory model;

  StableDiffusion2Test() throws IOException {
    model = ModelDirectory.open(TinyModels.stableDiffusion2());
  }

  @Test
  void encodesTextAsTransformers() throws IOException {
    double[] ids = Arrays.stream(GOLDEN.array("sd2/text_ids").longs()).asDoubleStream().toArray();
    Graph graph = ClipTextModel.read(model.config("text_encoder")).graph(4);

    double[] hidden = run(graph, Map.of("input_ids", ids), "last_hidden_state");

    assertThat(maxDifference(hidden, GOLDEN.array("sd2/text_last_hidden"))).isLessThan(TEXT);
  }

  @ParameterizedTest
  @ValueSource(ints = {981, 500, 1})
  void predictsTheNoiseThatDiffusersPredicts(int timestep) throws IOException {
    Graph graph = UNet2DCondition.read(model.config("unet"), Numerics.TORCH).graph(2, 12, 12, 77);

    double[] prediction =
        run(
            graph,
            Map.of(
                "sample", GOLDEN.array("sd2/unet_in_sample").doubles(),
                "timestep", new double[] {timestep, timestep},
                "encoder_hidden_states", GOLDEN.array("sd2/unet_in_context").doubles()),
            "noise_prediction");

    assertThat(maxDifference(prediction, GOLDEN.array("sd2/unet_out_t" + timestep)))
        .isLessThan(TOLERANCE);
  }

  @Test
  void decodesAsDiffusers() throws IOException {
    Graph graph = AutoencoderKl.read(model.config("vae")).decoderGraph(1, 6, 6);

    double[] image = run(graph, Map.of("latents", GOLDEN.array("sd2/vae_in").doubles()), "image");

    assertThat(maxDifference(image, GOLDEN.array("sd2/vae_decode_out"))).isLessThan(TOLERANCE);
  }

  @Test
  void projectionsAroundTransformersAreLinear() throws IOException {
    ObjectNode config = (ObjectNode) model.config("unet").deepCopy();
    Graph linear = UNet2DCondition.read(config, Numerics.TORCH).graph(1, 12, 12, 77);
    config.put("use_linear_projection", false);
    Graph convolutions = UNet2DCondition.read(config, Numerics.TORCH).graph(1, 12, 12, 77);

    String name = "mid_block.attentions.0.proj_in.weight";
    assertThat(linear.parameterShape(name).getShape()).containsExactly(32, 32);
    assertThat(convolutions.parameterShape(name).getShape()).containsExactly(32, 32, 1, 1);
  }

  private double[] run(Graph graph, Map<String, double[]> inputs, String output)
      throws IOException {
    return output(new GraphInterpreter(graph, model.weights(graph.name())).run(inputs), output);
  }

  /** {@code text_encoder/config.json} of stable-diffusion-2-1-base at revision 1f758383. */
  @Test
  void readsTheTextEncoderOfStableDiffusion2() throws Exception {
    ClipTextModel.Config config =
        ClipTextModel.read(
                TinyModel.json(
                    """
                    {"architectures": ["CLIPTextModel"], "attention_dropout": 0.0,
                     "bos_token_id": 0, "dropout": 0.0, "eos_token_id": 2, "hidden_act": "gelu",
                     "hidden_size": 1024, "initializer_factor": 1.0, "initializer_range": 0.02,
                     "intermediate_size": 4096, "layer_norm_eps": 1e-05,
                     "max_position_embeddings": 77, "model_type": "clip_text_model",
                     "num_attention_heads": 16, "num_hidden_layers": 23, "pad_token_id": 1,
                     "projection_dim": 512, "torch_dtype": "float16",
                     "transformers_version": "4.26.0.dev0", "vocab_size": 49408}
                    """))
            .config();

    assertThat(config)
        .isEqualTo(new ClipTextModel.Config(49408, 1024, 4096, 23, 16, 77, Activation.GELU, 1e-5f));
  }

  /** {@code unet/config.json} of stable-diffusion-2-1, with the keys that 768 pixels added. */
  @Test
  void readsTheUnetOfStableDiffusion2() throws Exception {
    UNet2DCondition unet =
        UNet2DCondition.read(
            TinyModel.json(
                """
                {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.10.0.dev0",
                 "act_fn": "silu", "attention_head_dim": [5, 10, 20, 20],
                 "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false,
                 "class_embed_type": null, "cross_attention_dim": 1024,
                 "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                   "CrossAttnDownBlock2D", "DownBlock2D"],
                 "downsample_padding": 1, "dual_cross_attention": false, "flip_sin_to_cos": true,
                 "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
                 "mid_block_scale_factor": 1, "mid_block_type": "UNetMidBlock2DCrossAttn",
                 "norm_eps": 1e-05, "norm_num_groups": 32, "num_class_embeds": null,
                 "only_cross_attention": false, "out_channels": 4,
                 "resnet_time_scale_shift": "default", "sample_size": 96,
                 "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D",
                   "CrossAttnUpBlock2D"],
                 "upcast_attention": true, "use_linear_projection": true}
                """),
            Numerics.TORCH);
    Graph graph = unet.graph(2, 96, 96, 77);

    assertThat(unet.config().sampleSize()).isEqualTo(96);
    assertThat(unet.config().attentionHeads()).containsExactly(5, 10, 20, 20);
    assertThat(graph.nodes())
        .filteredOn(node -> node.op() instanceof Op.Attention)
        // 64 channels a head at every level
        .allMatch(node -> node.dimension(-1) / ((Op.Attention) node.op()).heads() == 64);
    assertThat(parameters(graph)).isEqualTo(865_910_724L);
  }

  private static long parameters(Graph graph) {
    return graph.parameters().values().stream().map(Node::shape).mapToLong(s -> s.size()).sum();
  }

  /** {@code vae/config.json} of the same, and as later releases save it. */
  @Test
  void readsTheVaeOfStableDiffusion2() throws Exception {
    ObjectNode config =
        (ObjectNode)
            TinyModel.json(
                """
                {"_class_name": "AutoencoderKL", "_diffusers_version": "0.10.0.dev0",
                 "act_fn": "silu", "block_out_channels": [128, 256, 512, 512],
                 "down_block_types": ["DownEncoderBlock2D", "DownEncoderBlock2D",
                   "DownEncoderBlock2D", "DownEncoderBlock2D"],
                 "in_channels": 3, "latent_channels": 4, "layers_per_block": 2,
                 "norm_num_groups": 32, "out_channels": 3, "sample_size": 768,
                 "up_block_types": ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D",
                   "UpDecoderBlock2D"]}
                """);
    AutoencoderKlConfig early = AutoencoderKlConfig.read(config);
    config.put("force_upcast", true).put("scaling_factor", 0.18215);
    config.putNull("latents_mean").putNull("latents_std").putNull("shift_factor");

    assertThatCode(() -> AutoencoderKl.read(config)).doesNotThrowAnyException();
    assertThat(AutoencoderKlConfig.read(config)).isEqualTo(early);
    assertThat(early.scalingFactor()).isEqualTo(0.18215f);
  }
}
