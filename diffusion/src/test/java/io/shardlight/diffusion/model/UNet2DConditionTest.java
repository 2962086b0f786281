package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Op;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
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
    double[] context = Golden.array("tiny/unet_in_context.npy").at(1).doubles();
    double[] second = predict(TORCH.graph(1, 16, 16, 77), SAMPLE.at(1).doubles(), context, 500);

    double[] together = predict(TORCH.graph(2, 16, 16, 77), SAMPLE, 500);

    assertThat(second).isEqualTo(Arrays.copyOfRange(together, second.length, 2 * second.length));
  }

  /** Two latents and four prompts, so that no other order of the passes would do. */
  @Test
  void guidanceLooksAtEachLatentWithAndWithoutItsPrompt() {
    double[] latents = SAMPLE.doubles();
    double[] context = Golden.array("tiny/unet_in_context.npy").doubles();
    double[] prompts =
        DoubleStream.concat(Arrays.stream(context), Arrays.stream(context).map(x -> -x / 2))
            .toArray();
    double[] twice = DoubleStream.concat(Arrays.stream(latents), Arrays.stream(latents)).toArray();
    for (UNet2DCondition unet : List.of(TORCH, FLAX)) {
      double[] guided = predict(unet.guidedGraph(2, 16, 16, 77), latents, prompts, 500, 20);
      double[] apart = predict(unet.graph(4, 16, 16, 77), twice, prompts, 500, 20, 500, 20);

      assertThat(guided).isEqualTo(apart);
      assertThat(Arrays.copyOf(guided, latents.length))
          .isNotEqualTo(Arrays.copyOfRange(guided, latents.length, guided.length));
    }
  }

  @Test
  void guidanceComputesOnceWhatComesBeforeThePrompt() {
    Map<Long, Long> attentions =
        TORCH.guidedGraph(3, 16, 16, 77).nodes().stream()
            .filter(node -> node.op() instanceof Op.Attention)
            .collect(Collectors.groupingBy(node -> node.dimension(0), Collectors.counting()));
    assertThat(attentions).as("the first alone").containsEntry(3L, 1L).containsOnlyKeys(3L, 6L);
  }

  private static double[] predict(Graph graph, NpyArray sample, int timestep) {
    return output(TinyModel.run(graph, inputs(sample, timestep)), "noise_prediction");
  }

  private static double[] predict(
      Graph graph, double[] sample, double[] prompts, double... timesteps) {
    return output(TinyModel.run(graph, inputs(sample, prompts, timesteps)), "noise_prediction");
  }

  private static Map<String, double[]> inputs(NpyArray sample, int timestep) {
    double[] context = Golden.array("tiny/unet_in_context.npy").doubles();
    return inputs(sample.doubles(), context, timestep, timestep);
  }

  private static Map<String, double[]> inputs(
      double[] sample, double[] prompts, double... timesteps) {
    return Map.of("sample", sample, "timestep", timesteps, "encoder_hidden_states", prompts);
  }
}
