package io.shardlight.diffusion.model;

import static io.shardlight.diffusion.model.TinyModel.maxDifference;
import static io.shardlight.diffusion.model.TinyModel.output;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations away from Stable Diffusion's own, against diffusers 0.5.1. */
class ConfigVariantsTest {
  /** float32 against float64 differs by up to 2.3e-6, see the variants' index.json. */
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"unet_odd_size", "unet_options"})
  void unetPredictsWhatDiffusersPredicts(String variant) {
    NpzArchive golden = Golden.archive("variants/" + variant + ".npz");
    int[] sample = golden.array("sample").shape();
    int tokens = golden.array("encoder_hidden_states").shape()[1];
    Graph graph =
        UNet2DCondition.read(config(variant), Numerics.TORCH)
            .graph(1, sample[2], sample[3], tokens);

    double[] prediction =
        run(
            graph,
            Map.of(
                "sample", golden.array("sample").doubles(),
                "timestep", golden.array("timestep").doubles(),
                "encoder_hidden_states", golden.array("encoder_hidden_states").doubles()),
            "noise_prediction");

    assertThat(maxDifference(prediction, golden.array("noise_prediction"))).isLessThan(TOLERANCE);
  }

  @Test
  void autoencoderDecodesAndEncodesAsDiffusers() {
    NpzArchive golden = Golden.archive("variants/vae_options.npz");
    AutoencoderKl vae = AutoencoderKl.read(config("vae_options"));
    Map<String, double[]> latents = Map.of("latents", golden.array("latents").doubles());
    Map<String, double[]> image = Map.of("image", golden.array("image").doubles());

    double[] decoded = run(vae.decoderGraph(1, 5, 3), latents, "image");
    double[] mean = run(vae.encoderGraph(1, 12, 20), image, "mean");
    double[] logvar = run(vae.encoderGraph(1, 12, 20), image, "logvar");

    assertThat(maxDifference(decoded, golden.array("decoded"))).isLessThan(TOLERANCE);
    assertThat(maxDifference(mean, golden.array("mean"))).isLessThan(TOLERANCE);
    assertThat(maxDifference(logvar, golden.array("logvar"))).isLessThan(TOLERANCE);
  }

  private static double[] run(Graph graph, Map<String, double[]> inputs, String output) {
    return output(new GraphInterpreter(graph, new FormulaWeights(graph)).run(inputs), output);
  }

  private static JsonNode config(String variant) {
    return Golden.json("variants/index.json").at("/cases/" + variant + "/config");
  }
}
