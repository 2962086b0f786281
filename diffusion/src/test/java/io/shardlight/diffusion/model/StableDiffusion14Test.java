package io.shardlight.diffusion.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.fixtures.Golden;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The graphs ask for exactly the weights of CompVis/stable-diffusion-v1-4. */
class StableDiffusion14Test {
  private static final JsonNode MODEL = Golden.json("full-size/sd14.json");

  @Test
  void textEncoderReadsItsCheckpoint() {
    Graph graph = ClipTextModel.read(MODEL.at("/text_encoder/config")).graph(2);

    Map<String, String> wanted = tensors("text_encoder");
    // A buffer of 0..76 that PyTorch saves with the weights; nothing is looked up by it here.
    wanted.remove("text_model.embeddings.position_ids");
    assertThat(parameters(graph)).isEqualTo(wanted);
    assertThat(count(graph)).isEqualTo(123_060_480);
    assertThat(graph.output("last_hidden_state").shape().getShape()).containsExactly(2, 77, 768);
  }

  @ParameterizedTest
  @EnumSource
  void unetReadsItsCheckpoint(Numerics numerics) {
    Graph graph = UNet2DCondition.read(MODEL.at("/unet/config"), numerics).graph(2, 64, 64, 77);

    assertThat(parameters(graph)).isEqualTo(tensors("unet"));
    assertThat(count(graph)).isEqualTo(859_520_964);
    assertThat(graph.output("noise_prediction").shape().getShape()).containsExactly(2, 4, 64, 64);
  }

  @Test
  void autoencoderReadsItsCheckpointInTwoGraphs() {
    AutoencoderKl vae = AutoencoderKl.read(MODEL.at("/vae/config"));
    Graph decoder = vae.decoderGraph(1, 64, 64);
    Graph encoder = vae.encoderGraph(1, 512, 512);

    assertThat(parameters(decoder, encoder)).isEqualTo(tensors("vae"));
    assertThat(count(decoder) + count(encoder)).isEqualTo(83_653_863);
    assertThat(decoder.output("image").shape().getShape()).containsExactly(1, 3, 512, 512);
    assertThat(encoder.output("mean").shape().getShape()).containsExactly(1, 4, 64, 64);
    assertThat(encoder.output("logvar").shape().getShape()).containsExactly(1, 4, 64, 64);
  }

  @Test
  void unetTakesSampleThenTimestepThenPrompt() {
    assertThat(
            UNet2DCondition.read(MODEL.at("/unet/config"), Numerics.TORCH)
                .graph(1, 64, 64, 77)
                .inputs())
        .extracting(Node::label)
        .containsExactly("sample", "timestep", "encoder_hidden_states");
  }

  private static Map<String, String> tensors(String component) {
    Map<String, String> tensors = new TreeMap<>();
    MODEL
        .get(component)
        .get("tensors")
        .fields()
        .forEachRemaining(t -> tensors.put(t.getKey(), t.getValue().get(1).toString()));
    return tensors;
  }

  private static Map<String, String> parameters(Graph... graphs) {
    Map<String, String> shapes = new TreeMap<>();
    for (Graph graph : graphs) {
      graph
          .parameters()
          .forEach(
              (name, node) ->
                  shapes.put(name, Arrays.toString(node.shape().getShape()).replace(" ", "")));
    }
    return shapes;
  }

  private static long count(Graph graph) {
    return graph.parameters().values().stream().mapToLong(node -> node.shape().size()).sum();
  }
}
