package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClipVisionModelTest {
  /** Of the golden data's README. */
  private static final double TOLERANCE = 1e-5;

  private static final ClipVisionModel MODEL =
      ClipVisionModel.read(TinyModel.config(ClipVisionModel.COMPONENT));

  @Test
  void imageEmbedsEqualTransformers() {
    Map<String, double[]> inputs =
        Map.of("clip_input", Golden.array("tiny/safety_pixel_values.npy").doubles());

    Map<String, double[]> outputs = TinyModel.run(MODEL.graph(8), inputs);

    assertThat(
            maxDifference(
                output(outputs, "image_embeds"), Golden.array("tiny/safety_image_embeds.npy")))
        .isLessThan(TOLERANCE);
  }

  @Test
  void theFlaxCheckpointComputesTheSame() throws Exception {
    ModelDirectory flax = ModelDirectory.open(TinyModels.flax());
    ClipVisionModel model = ClipVisionModel.read(flax.config(ClipVisionModel.COMPONENT));
    Map<String, double[]> inputs =
        Map.of("clip_input", Golden.array("tiny/safety_pixel_values.npy").doubles());

    Map<String, double[]> outputs =
        new GraphInterpreter(model.graph(8), flax.weights(ClipVisionModel.COMPONENT)).run(inputs);

    assertThat(
            maxDifference(
                output(outputs, "image_embeds"), Golden.array("tiny/safety_image_embeds.npy")))
        .isLessThan(TOLERANCE);
  }

  @Test
  void readsExactlyTheWeightsOfTheTinyModel() throws Exception {
    TinyModel.weights(ClipVisionModel.COMPONENT).requireMatch(MODEL.graph(1), MODEL.conceptGraph());
  }

  @Test
  void absentKeysMeanWhatTransformersMeans() {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.putObject("vision_config");

    assertThat(ClipVisionModel.Config.read(config))
        .isEqualTo(
            new ClipVisionModel.Config(
                224, 32, 768, 3072, 12, 12, 512, Activation.QUICK_GELU, 1e-5f));
  }

  /** As Stable Diffusion v1-4 has it: the dictionary goes first, its absent keys are defaults. */
  @Test
  void theDictionaryOfOldReleasesGoesFirst() {
    ObjectNode config = JsonNodeFactory.instance.objectNode().put("projection_dim", 768);
    config.putObject("vision_config").put("hidden_size", 32).put("image_size", 32);
    config
        .putObject("vision_config_dict")
        .put("hidden_size", 1024)
        .put("intermediate_size", 4096)
        .put("num_attention_heads", 16)
        .put("num_hidden_layers", 24)
        .put("patch_size", 14);

    assertThat(ClipVisionModel.Config.read(config))
        .isEqualTo(
            new ClipVisionModel.Config(
                224, 14, 1024, 4096, 24, 16, 768, Activation.QUICK_GELU, 1e-5f));
  }

  @ParameterizedTest
  @CsvSource({
    "architectures, '[\"CLIPModel\"]', StableDiffusionSafetyChecker",
    "model_type, '\"siglip\"', clip",
    "vision_config_dict, '{\"hidden_act\": \"relu\"}', gelu",
    "vision_config_dict, '{\"num_channels\": 4}', 3",
    "vision_config_dict, '{\"num_attention_heads\": 7}', hidden_size 768",
    "vision_config_dict, '{\"patch_size\": 15}', image_size 224",
  })
  void refusesWhatIsNotComputedHere(String key, String value, String wanted) throws Exception {
    ObjectNode config = TinyModel.config(ClipVisionModel.COMPONENT);
    config.set(key, TinyModel.json(value));

    assertThatThrownBy(() -> ClipVisionModel.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("safety_checker/config.json", wanted);
  }

  @Test
  void refusesAConfigOfNoImageEncoder() {
    ObjectNode config = JsonNodeFactory.instance.objectNode().put("model_type", "clip");

    assertThatThrownBy(() -> ClipVisionModel.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("safety_checker/config.json: vision_config", "JSON object");
  }
}
