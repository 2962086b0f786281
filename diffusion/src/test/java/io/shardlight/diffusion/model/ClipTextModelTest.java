package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClipTextModelTest {
  /** Of the golden data's README; float32 against float64 differs by 1.6e-6. */
  private static final double TOLERANCE = 1e-5;

  private static final ClipTextModel MODEL = ClipTextModel.read(TinyModel.config("text_encoder"));
  private static final NpyArray IDS = Golden.array("tiny/text_ids.npy");

  @ParameterizedTest
  @ValueSource(strings = {"tiny/text_last_hidden.npy", "flax/text_last_hidden.npy"})
  void lastHiddenStateEqualsTransformers(String golden) {
    Map<String, double[]> outputs =
        TinyModel.run(MODEL.graph(10), Map.of("input_ids", asDoubles(IDS)));

    assertThat(maxDifference(output(outputs, "last_hidden_state"), Golden.array(golden)))
        .isLessThan(TOLERANCE);
  }

  @Test
  void everyLayerEqualsTransformers() {
    List<String> labels =
        List.of(
            "text_model.embeddings", "text_model.encoder.layers.0", "text_model.encoder.layers.1");
    Graph graph = MODEL.graph(1).withOutputs(labels);

    Map<String, double[]> outputs = TinyModel.run(graph, Map.of("input_ids", asDoubles(IDS.at(1))));

    NpyArray golden = Golden.array("tiny/text_hidden_states_row1.npy");
    for (int i = 0; i < labels.size(); i++) {
      assertThat(maxDifference(output(outputs, labels.get(i)), golden.at(i)))
          .as(labels.get(i))
          .isLessThan(TOLERANCE);
    }
  }

  @Test
  void readsExactlyTheWeightsOfTheTinyModel() throws Exception {
    TinyModel.weights("text_encoder").requireMatch(MODEL.graph(1));
  }

  @Test
  void absentKeysMeanWhatTransformersMeans() {
    ClipTextModel.Config defaults =
        ClipTextModel.Config.read(JsonNodeFactory.instance.objectNode());

    assertThat(defaults)
        .isEqualTo(
            new ClipTextModel.Config(49408, 512, 2048, 12, 8, 77, Activation.QUICK_GELU, 1e-5f));
  }

  @Test
  void refusesAnUnknownActivationByName() {
    ObjectNode config = TinyModel.config("text_encoder").put("hidden_act", "relu");

    assertThatThrownBy(() -> ClipTextModel.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("text_encoder/config.json", "\"hidden_act\" is \"relu\"", "gelu");
  }

  @Test
  void refusesTheConfigOfAWholeClipModel() {
    ObjectNode config = TinyModel.config("text_encoder").put("model_type", "clip");

    assertThatThrownBy(() -> ClipTextModel.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("\"model_type\" is \"clip\"", "clip_text_model");
  }

  @Test
  void refusesHeadsThatDoNotDivideTheWidth() {
    ObjectNode config = TinyModel.config("text_encoder").put("num_attention_heads", 5);

    assertThatThrownBy(() -> ClipTextModel.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("num_attention_heads", "5", "hidden_size 32");
  }

  private static double[] asDoubles(NpyArray ids) {
    return Arrays.stream(ids.longs()).asDoubleStream().toArray();
  }
}
