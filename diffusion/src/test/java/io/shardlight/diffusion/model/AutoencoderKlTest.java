package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ShapeMismatchException;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AutoencoderKlTest {
  /** Of the golden data's README; float32 against float64 differs by 6.7e-6. */
  private static final double TOLERANCE = 2e-5;

  private static final AutoencoderKl MODEL = AutoencoderKl.read(TinyModel.config("vae"));
  private static final NpyArray LATENTS = Golden.array("tiny/vae_in.npy");

  @Test
  void decodesAsPyTorchAndAsFlax() {
    Map<String, double[]> outputs =
        TinyModel.run(MODEL.decoderGraph(2, 16, 16), Map.of("latents", LATENTS.doubles()));

    double[] image = output(outputs, "image");
    assertThat(maxDifference(image, Golden.array("tiny/vae_decode_out.npy"))).isLessThan(TOLERANCE);
    assertThat(maxDifference(image, Golden.array("flax/vae_decode_out.npy"))).isLessThan(TOLERANCE);
  }

  @Test
  void everyModuleComputesWhatItsNamesakeInPyTorchDoes() {
    NpzArchive golden = Golden.archive("tiny/vae_activations_row0.npz");
    List<String> modules = List.copyOf(golden.names());
    Graph graph = MODEL.decoderGraph(1, 16, 16).withOutputs(modules);

    Map<String, double[]> activations =
        TinyModel.run(graph, Map.of("latents", LATENTS.at(0).doubles()));

    assertThat(modules).hasSize(8);
    for (String module : modules) {
      assertThat(maxDifference(output(activations, module), golden.array(module)))
          .as(module)
          .isLessThan(TOLERANCE);
    }
  }

  @ParameterizedTest
  @CsvSource({"mean, tiny/vae_encode_mean.npy", "logvar, tiny/vae_encode_logvar.npy"})
  void encodesToTheDistributionOfPyTorch(String moment, String golden) {
    Map<String, double[]> outputs =
        TinyModel.run(
            MODEL.encoderGraph(1, 64, 64),
            Map.of("image", Golden.array("tiny/vae_encode_in.npy").doubles()));

    assertThat(maxDifference(output(outputs, moment), Golden.array(golden))).isLessThan(TOLERANCE);
  }

  @Test
  void encoderAndDecoderTogetherReadExactlyTheWeightsOfTheTinyModel() throws Exception {
    TinyModel.weights("vae")
        .requireMatch(MODEL.encoderGraph(1, 64, 64), MODEL.decoderGraph(1, 8, 8));
  }

  @Test
  void refusesAnImageThatDoesNotDivideIntoLatents() {
    assertThatThrownBy(() -> MODEL.encoderGraph(1, 64, 60))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("multiples of 8", "64 x 60");
  }

  @Test
  void groupsThatDoNotDivideTheChannelsAreAShapeMismatch() {
    ObjectNode config = TinyModel.config("vae").put("norm_num_groups", 5);

    assertThatThrownBy(() -> AutoencoderKl.read(config).decoderGraph(1, 8, 8))
        .isInstanceOf(ShapeMismatchException.class)
        .hasMessageContainingAll("vae", "in 5 groups");
  }

  @Test
  void absentKeysMeanWhatDiffusersMeans() {
    assertThat(AutoencoderKlConfig.read(JsonNodeFactory.instance.objectNode()))
        .isEqualTo(new AutoencoderKlConfig(3, 3, 4, List.of(64), 1, 32, 0.18215f));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "_class_name             | \"AutoencoderTiny\"",
        "use_quant_conv          | false",
        "use_post_quant_conv     | false",
        "mid_block_add_attention | false",
        "shift_factor            | 0.1159",
        "latents_mean            | [0.1, 0.2]",
        "act_fn                  | \"mish\"",
        "scaling_factor          | \"0.18215\"",
        "layers_per_block        | 0",
        "down_block_types        | [\"DownEncoderBlock2D\", \"AttnDownEncoderBlock2D\"]",
        "up_block_types          | [\"UpDecoderBlock2D\"]",
        "a_later_invention       | 7",
      })
  void refusesWhatItDoesNotComputeByKeyAndValue(String key, String value) throws Exception {
    ObjectNode config = TinyModel.config("vae");
    config.set(key, TinyModel.json(value));

    assertThatThrownBy(() -> AutoencoderKl.read(config))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll(
            "vae/config.json", '"' + key + '"', TinyModel.json(value).toString());
  }
}
