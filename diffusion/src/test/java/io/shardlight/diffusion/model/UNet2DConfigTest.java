package io.shardlight.diffusion.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import io.shardlight.diffusion.graph.ShapeMismatchException;
import io.shardlight.diffusion.model.UNet2DConfig.BlockType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the UNet does with each key of its {@code config.json}. */
class UNet2DConfigTest {
  private final ObjectNode config = TinyModel.config("unet");

  @Test
  void absentKeysMeanWhatDiffusersMeans() {
    BlockType cross = BlockType.CROSS_ATTENTION;
    BlockType plain = BlockType.PLAIN;

    assertThat(UNet2DConfig.read(JsonNodeFactory.instance.objectNode(), Numerics.TORCH))
        .isEqualTo(
            new UNet2DConfig(
                64,
                4,
                4,
                true,
                0,
                List.of(cross, cross, cross, plain),
                List.of(plain, cross, cross, cross),
                List.of(320, 640, 1280, 1280),
                2,
                1,
                1,
                32,
                1e-5f,
                1280,
                List.of(8, 8, 8, 8),
                false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "_class_name                   | \"UNetMotionModel\"",
        "use_linear_projection         | null",
        "dual_cross_attention          | true",
        "only_cross_attention          | [true, false]",
        "class_embed_type              | \"timestep\"",
        "only_cross_attention          | true",
        "mid_block_only_cross_attention | true",
        "num_class_embeds              | 1000",
        "projection_class_embeddings_input_dim | 2816",
        "addition_time_embed_dim       | 256",
        "encoder_hid_dim_type          | \"text_proj\"",
        "attention_type                | \"gated\"",
        "cross_attention_norm          | \"layer_norm\"",
        "resnet_skip_time_act          | true",
        "reverse_transformer_layers_per_block | [[1, 2], 2]",
        "transformer_layers_per_block  | 2",
        "addition_embed_type           | \"text_time\"",
        "encoder_hid_dim               | 768",
        "resnet_time_scale_shift       | \"scale_shift\"",
        "time_embedding_type           | \"fourier\"",
        "time_cond_proj_dim            | 256",
        "transformer_layers_per_block  | [1, 2]",
        "num_attention_heads           | 8",
        "mid_block_type                | null",
        "conv_in_kernel                | 1",
        "center_input_sample           | true",
        "act_fn                        | \"mish\"",
        "downsample_padding            | 2",
        "down_block_types              | [\"CrossAttnDownBlock2D\", \"AttnDownBlock2D\"]",
        "up_block_types                | [\"UpBlock2D\", \"DownBlock2D\"]",
        "block_out_channels            | []",
        "layers_per_block              | [2, 2]",
        "cross_attention_dim           | null",
        "attention_head_dim            | [8, 8, 8]",
        "norm_num_groups               | null",
        "norm_eps                      | \"small\"",
        "flip_sin_to_cos               | 1",
        "a_later_invention             | {\"on\": true}",
      })
  void refusesWhatItDoesNotComputeByKeyAndValue(String key, String value) throws Exception {
    config.set(key, TinyModel.json(value));

    assertThatThrownBy(() -> UNet2DCondition.read(config, Numerics.TORCH))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll(
            "unet/config.json", '"' + key + '"', TinyModel.json(value).toString());
  }

  /** As diffusers' pipelines do since 0.9. */
  @ParameterizedTest
  @CsvSource({
    "0.6.0, 32, 64",
    "0.8.1, 32, 64",
    "0.6.0, 64, 64",
    "0.8.0, 96, 96",
    "0.9.0, 32, 32",
    "0.10.0.dev0, 32, 32",
    "1.0.0, 32, 32",
    "'', 32, 32",
  })
  void earlyCheckpointsWereTrainedOnLargerImagesThanTheySay(String version, int stated, int size) {
    ObjectNode full = JsonNodeFactory.instance.objectNode();
    full.put("_diffusers_version", version).put("sample_size", stated);
    config.put("_diffusers_version", version).put("sample_size", stated);

    assertThat(UNet2DConfig.read(full, Numerics.TORCH).sampleSize()).isEqualTo(size);
    assertThat(UNet2DConfig.read(config, Numerics.TORCH).sampleSize())
        .as("of a smaller model")
        .isEqualTo(stated);
  }

  @Test
  void acceptsTheLaterKeysOfTheSameNetwork() throws Exception {
    config.setAll(
        (ObjectNode)
            TinyModel.json(
                """
                {"_name_or_path": "somewhere", "class_embed_type": null, "conv_in_kernel": 3,
                 "dual_cross_attention": false, "mid_block_type": "UNetMidBlock2DCrossAttn",
                 "only_cross_attention": [false, false], "resnet_out_scale_factor": 1,
                 "transformer_layers_per_block": [1, 1], "upcast_attention": false,
                 "time_embedding_type": "positional", "use_linear_projection": false}
                """));

    assertThat(UNet2DConfig.read(config, Numerics.TORCH))
        .isEqualTo(UNet2DConfig.read(TinyModel.config("unet"), Numerics.TORCH));
  }

  @ParameterizedTest
  @CsvSource({
    "norm_num_groups, 16",
    "norm_eps, 1e-6",
    "downsample_padding, 0",
    "flip_sin_to_cos, false",
    "mid_block_scale_factor, 2",
  })
  void flaxRefusesWhatFlaxWouldOverlook(String key, String value) throws Exception {
    config.set(key, TinyModel.json(value));

    assertThatThrownBy(() -> UNet2DCondition.read(config, Numerics.FLAX))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContaining('"' + key + '"');
    assertThatCode(() -> UNet2DCondition.read(config, Numerics.TORCH)).doesNotThrowAnyException();
  }

  @Test
  void attentionHeadDimIsTheNumberOfHeadsOfEachLevel() throws Exception {
    config.set("attention_head_dim", TinyModel.json("[4, 16]"));
    config.set("down_block_types", TinyModel.json("[\"DownBlock2D\", \"CrossAttnDownBlock2D\"]"));
    config.put("layers_per_block", 1);

    Graph graph = graph(config, 16, 16);

    assertThat(graph.nodes())
        .filteredOn(node -> node.op() instanceof Op.Attention)
        .extracting(node -> ((Op.Attention) node.op()).heads(), node -> node.dimension(-1))
        .containsExactly(
            // down level 1, mid, up level 0 twice; each attends to itself and to the prompt
            tuple(16, 64L),
            tuple(16, 64L),
            tuple(16, 64L),
            tuple(16, 64L),
            tuple(4, 32L),
            tuple(4, 32L),
            tuple(4, 32L),
            tuple(4, 32L));
  }

  @Test
  void refusesHeadsThatDoNotDivideALevelsChannels() throws Exception {
    config.set("attention_head_dim", TinyModel.json("[8, 24]"));

    assertThatThrownBy(() -> UNet2DCondition.read(config, Numerics.TORCH))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("attention_head_dim", "[8, 24]", "[32, 64]");
  }

  @Test
  void refusesListsOfDifferentLengths() throws Exception {
    config.set("block_out_channels", TinyModel.json("[32, 64, 64]"));

    assertThatThrownBy(() -> UNet2DCondition.read(config, Numerics.TORCH))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("block_out_channels", "[3, 2, 2]");
  }

  @Test
  void groupsThatDoNotDivideTheChannelsAreAShapeMismatch() {
    config.put("norm_num_groups", 5);

    assertThatThrownBy(() -> graph(config, 16, 16))
        .isInstanceOf(ShapeMismatchException.class)
        .hasMessageContainingAll("unet", "in 5 groups", "(1, 32, 16, 16)");
  }

  @Test
  void sizesThatHalveWithARemainderAreRestored() {
    Graph graph = graph(config, 15, 17);

    assertThat(graph.output("noise_prediction").shape().getShape()).containsExactly(1, 4, 15, 17);
    assertThat(graph.nodes())
        .filteredOn(node -> node.op() instanceof Op.UpsampleNearest2x)
        .extracting(Node::shape)
        .containsExactly(new Shape(1, 64, 16, 18));
  }

  @Test
  void withoutDownsamplePaddingSizesMustHalve() {
    config.put("downsample_padding", 0);

    assertThatCode(() -> graph(config, 14, 16)).doesNotThrowAnyException();
    assertThatThrownBy(() -> graph(config, 15, 16))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("multiples of 2", "15 x 16", "downsample_padding 0");
  }

  @Test
  void downsamplePaddingZeroPadsBelowAndToTheRight() {
    config.put("downsample_padding", 0);

    assertThat(graph(config, 16, 16).labelled("down_blocks.0.downsamplers.0"))
        .hasValueSatisfying(node -> assertThat(node.op()).isEqualTo(new Op.Conv2d(2, 0, 0, 1, 1)));
  }

  @Test
  void midBlockScaleFactorDividesItsResidualBlocks() {
    config.put("mid_block_scale_factor", 4);

    assertThat(graph(config, 16, 16).nodes())
        .filteredOn(node -> node.op() instanceof Op.Scale)
        .allSatisfy(node -> assertThat(node.op()).isEqualTo(new Op.Scale(0.25f)))
        .extracting(Node::label)
        .containsExactly("mid_block.resnets.0", "mid_block.resnets.1");
  }

  @ParameterizedTest
  @CsvSource({"TORCH, GELU, 1e-6", "FLAX, GELU_TANH, 1e-5"})
  void numericsDecideTheGateAndTheTransformersNorm(
      Numerics numerics, Activation gate, float epsilon) {
    Graph graph = UNet2DCondition.read(config, numerics).graph(1, 16, 16, 77);

    assertThat(graph.nodes())
        .filteredOn(node -> node.operands().stream().anyMatch(this::isGate))
        .isNotEmpty()
        .allSatisfy(node -> assertThat(node.op()).isEqualTo(new Op.Activate(gate)));
    assertThat(graph.nodes())
        .filteredOn(node -> node.op() instanceof Op.GroupNorm)
        .allSatisfy(
            node ->
                assertThat(((Op.GroupNorm) node.op()).epsilon())
                    .isEqualTo(node.label().matches(".*attentions.*") ? epsilon : 1e-5f));
  }

  /** The second half of the projection, by the rows of its weight. */
  private boolean isGate(Node node) {
    return node.op() instanceof Op.Linear
        && node.operand(1).op() instanceof Op.Slice slice
        && slice.start() > 0;
  }

  @ParameterizedTest
  @EnumSource
  void numericsDecideTheLastStep(Numerics numerics) {
    assertThat(numerics.stepsToRun(51, 50)).isEqualTo(numerics == Numerics.FLAX ? 50 : 51);
    assertThat(numerics.stepsToRun(20, 20)).isEqualTo(20);
  }

  private static Graph graph(ObjectNode config, int height, int width) {
    return UNet2DCondition.read(config, Numerics.TORCH).graph(1, height, width, 77);
  }
}
