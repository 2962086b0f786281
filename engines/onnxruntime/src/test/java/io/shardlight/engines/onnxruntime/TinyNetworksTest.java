package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.NetworkCase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The tiny networks against what diffusers and transformers compute, in every form of the lowering
 * and from both kinds of checkpoint.
 */
class TinyNetworksTest {
  @TempDir Path cache;

  /** How a graph is lowered. */
  private enum Form {
    PLAIN(ConvolutionPlan.DEFAULT),
    FUSED(ConvolutionPlan.DEFAULT),
    /** Winograd's larger tiles for every 3x3 convolution, cut into small pieces. */
    FUSED_F4(new ConvolutionPlan(1, 1, 1, 1 << 16, 1 << 14)),
    FUSED_F2(new ConvolutionPlan(1000, 1, 1, 1 << 21, 1 << 22));

    private final ConvolutionPlan plan;

    Form(ConvolutionPlan plan) {
      this.plan = plan;
    }
  }

  static Stream<Arguments> everyFormAndNetwork() throws IOException {
    List<NetworkCase> networks = NetworkCase.all();
    return Arrays.stream(Form.values())
        .flatMap(form -> networks.stream().map(network -> Arguments.of(form, network)));
  }

  @ParameterizedTest
  @MethodSource("everyFormAndNetwork")
  void networksComputeWhatDiffusersDoes(Form form, NetworkCase network) throws Exception {
    try (Lowered lowered =
        Lowered.load(
            new OnnxLowering(form.plan),
            network.graph(),
            network.weights(),
            Lowered.options(form != Form.PLAIN, cache))) {
      List<float[]> outputs = lowered.run(network.inputs());

      assertThat(outputs).hasSameSizeAs(network.golden());
      for (int i = 0; i < outputs.size(); i++) {
        assertThat(Difference.absolute(outputs.get(i), network.expected(i)))
            .as(network.golden().get(i))
            .isLessThanOrEqualTo(network.tolerance());
      }
    }
  }

  /**
   * Rounded weights, and nothing else: what the rounded checkpoint computes, to float32's last
   * bits.
   */
  @ParameterizedTest
  @MethodSource("everyFormAndNetwork")
  void float16ComputesWithRoundedWeights(Form form, NetworkCase network) throws Exception {
    LoweringOptions options =
        Lowered.options(form != Form.PLAIN, cache).withDataType(DataType.FLOAT16);
    List<float[]> kept;
    try (Lowered lowered =
        Lowered.load(new OnnxLowering(form.plan), network.graph(), network.weights(), options)) {
      kept = lowered.run(network.inputs());
    }
    List<float[]> rounded;
    try (Lowered lowered =
        Lowered.load(
            new OnnxLowering(form.plan),
            network.graph(),
            new RoundedParameters(network.weights()),
            Lowered.options(form != Form.PLAIN, cache.resolve("rounded")))) {
      rounded = lowered.run(network.inputs());
    }

    for (int i = 0; i < kept.size(); i++) {
      float[] wanted = rounded.get(i);
      double[] exact = IntStream.range(0, wanted.length).mapToDouble(j -> wanted[j]).toArray();
      assertThat(Difference.absolute(kept.get(i), exact)).isLessThanOrEqualTo(1e-6);
      assertThat(Difference.absolute(kept.get(i), network.expected(i)))
          .as("rounding is seen")
          .isBetween(network.tolerance() / 10, 0.05);
    }
  }

  /** Workers and restarts with more cores must make the same images. */
  @ParameterizedTest
  @EnumSource
  void theNumberOfThreadsChangesNoBit(Form form) throws Exception {
    Graph unet =
        UNet2DCondition.read(ModelDirectory.open(TinyModels.torch()).config("unet"), Numerics.TORCH)
            .graph(2, 16, 16, 77);
    Map<String, double[]> unetInputs =
        Map.of(
            "sample", Golden.array("tiny/unet_in_sample.npy").doubles(),
            "timestep", new double[] {500, 500},
            "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles());
    Graph decoder =
        AutoencoderKl.read(ModelDirectory.open(TinyModels.torch()).config("vae"))
            .decoderGraph(2, 16, 16);
    Map<String, double[]> latents = Map.of("latents", Golden.array("tiny/vae_in.npy").doubles());

    float[] noise = run(form, unet, unetInputs, 1);
    float[] image = run(form, decoder, latents, 1);
    for (int threads : new int[] {2, 3, 8}) {
      assertThat(run(form, unet, unetInputs, threads)).as("UNet, %s", threads).isEqualTo(noise);
      assertThat(run(form, decoder, latents, threads)).as("VAE, %s", threads).isEqualTo(image);
    }
  }

  private float[] run(Form form, Graph graph, Map<String, double[]> inputs, int threads)
      throws Exception {
    LoweringOptions options = new LoweringOptions(Device.cpu(), threads, form != Form.PLAIN, cache);
    try (Lowered lowered =
        Lowered.load(
            new OnnxLowering(form.plan),
            graph,
            ModelDirectory.open(TinyModels.torch()).weights(graph.name()),
            options)) {
      return lowered.run(inputs).get(0);
    }
  }
}
