package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UNet2DConditionTest {
  /** Of the golden data's README; float32 against float64 differs by up to 6.1e-6. */
  private static final double TOLERANCE = 2e-5;

  private static final ObjectNode CONFIG = TinyModel.config("unet");
  private static final UNet2DCondition TORCH = UNet2DCondition.read(CONFIG, Numerics.TORCH);
  private static final UNet2DCondition FLAX = UNet2DCondition.read(CONFIG, Numerics.FLAX);
  private static final NpyArray SAMPLE = Golden.array("tiny/unet_in_sample.npy");

  @ParameterizedTest
  @ValueSource(ints = {981, 961, 500, 21, 1, 0})
  void predictsTheNoiseThatDiffusersPredicts(int timestep) {
    double[] prediction = predict(TORCH.graph(2, 16, 16, 77), SAMPLE, timestep);

    assertThat(maxDifference(prediction, Golden.array("tiny/unet_out_t" + timestep + ".npy")))
        .isLessThan(TOLERANCE);
  }

  @ParameterizedTest
  @ValueSource(ints = {981, 500, 1})
  void predictsTheNoiseThatFlaxPredictsWithFlaxNumerics(int timestep) {
    double[] prediction = predict(FLAX.graph(2, 16, 16, 77), SAMPLE, timestep);

    assertThat(maxDifference(prediction, Golden.array("flax/unet_out_t" + timestep + ".npy")))
        .isLessThan(TOLERANCE);
  }

  @Test
  void heightAndWidthMayDiffer() {
    NpyArray sample = Golden.array("tiny/unet_in_sample_rect.npy");

    double[] prediction = predict(TORCH.graph(2, 16, 24, 77), sample, 500);

    assertThat(maxDifference(prediction, Golden.array("tiny/unet_out_rect_t500.npy")))
        .isLessThan(TOLERANCE);
  }

  @Test
  void everyModuleComputesWhatItsNamesakeInPyTorchDoes() {
    NpzArchive golden = Golden.archive("tiny/unet_activations_t500.npz");
    List<String> modules = List.copyOf(golden.names());
    Graph graph = TORCH.graph(2, 16, 16, 77).withOutputs(modules);

    Map<String, double[]> activations = TinyModel.run(graph, inputs(SAMPLE, 500));

    assertThat(modules).hasSize(57);
    for (String module : modules) {
      assertThat(maxDifference(output(activations, module), golden.array(module)))
          .as(module)
          .isLessThan(TOLERANCE);
    }
  }

  @Test
  void readsExactlyTheWeightsOfTheTinyModel() throws Exception {
    TinyModel.weights("unet").requireMatch(TORCH.graph(2, 16, 16, 77));
  }

  @Test
  void predictionDoesNotDependOnItsPlaceInTheBatch() {
    Map<String, double[]> both = inputs(SAMPLE, 500);
    double[] second =
        output(
            TinyModel.run(
                TORCH.graph(1, 16, 16, 77),
                Map.of(
                    "sample", SAMPLE.at(1).doubles(),
                    "timestep", new double[] {500},
                    "encoder_hidden_states",
                        Golden.array("tiny/unet_in_context.npy").at(1).doubles())),
            "noise_prediction");

    double[] together = output(TinyModel.run(TORCH.graph(2, 16, 16, 77), both), "noise_prediction");

    assertThat(second).isEqualTo(Arrays.copyOfRange(together, second.length, 2 * second.length));
  }

  private static double[] predict(Graph graph, NpyArray sample, int timestep) {
    return output(TinyModel.run(graph, inputs(sample, timestep)), "noise_prediction");
  }

  private static Map<String, double[]> inputs(NpyArray sample, int timestep) {
    return Map.of(
        "sample", sample.doubles(),
        "timestep", new double[] {timestep, timestep},
        "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles());
  }
}
