package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.TinyModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
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
  private static final double TEXT = 1e-5;
  private static final double UNET = 2e-5;
  private static final double VAE = 2e-5;

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

  /** Where the weights come from, and whose arithmetic the golden data are. */
  private enum Checkpoint {
    TORCH(Numerics.TORCH, "tiny/"),
    FLAX(Numerics.FLAX, "flax/");

    private final Numerics numerics;
    private final String golden;

    Checkpoint(Numerics numerics, String golden) {
      this.numerics = numerics;
      this.golden = golden;
    }

    ModelDirectory open() throws Exception {
      return ModelDirectory.open(this == TORCH ? TinyModels.torch() : TinyModels.flax());
    }
  }

  static Stream<Arguments> everyFormAndCheckpoint() {
    return Arrays.stream(Form.values())
        .flatMap(
            form ->
                Arrays.stream(Checkpoint.values())
                    .map(checkpoint -> Arguments.of(form, checkpoint)));
  }

  @ParameterizedTest
  @MethodSource("everyFormAndCheckpoint")
  void textEncoderGivesTransformersHiddenStates(Form form, Checkpoint checkpoint) throws Exception {
    Graph graph = ClipTextModel.read(checkpoint.open().config("text_encoder")).graph(10);
    long[] ids = Golden.array("tiny/text_ids.npy").longs();

    List<float[]> outputs =
        run(
            form,
            checkpoint,
            graph,
            Map.of("input_ids", Arrays.stream(ids).asDoubleStream().toArray()));

    assertWithin(outputs.get(0), checkpoint.golden + "text_last_hidden.npy", TEXT);
  }

  @ParameterizedTest
  @MethodSource("everyFormAndCheckpoint")
  void unetPredictsDiffusersNoise(Form form, Checkpoint checkpoint) throws Exception {
    Graph graph =
        UNet2DCondition.read(checkpoint.open().config("unet"), checkpoint.numerics)
            .graph(2, 16, 16, 77);
    int[] timesteps =
        checkpoint == Checkpoint.TORCH
            ? new int[] {981, 961, 500, 21, 1, 0}
            : new int[] {981, 500, 1};
    try (Lowered unet = load(form, checkpoint, graph)) {
      for (int timestep : timesteps) {
        List<float[]> outputs =
            unet.run(
                Map.of(
                    "sample", Golden.array("tiny/unet_in_sample.npy").doubles(),
                    "timestep", new double[] {timestep, timestep},
                    "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles()));

        assertWithin(outputs.get(0), checkpoint.golden + "unet_out_t" + timestep + ".npy", UNET);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void unetTakesRectangularImages(Form form) throws Exception {
    Checkpoint checkpoint = Checkpoint.TORCH;
    NpyArray sample = Golden.array("tiny/unet_in_sample_rect.npy");
    Graph graph =
        UNet2DCondition.read(checkpoint.open().config("unet"), checkpoint.numerics)
            .graph(2, sample.shape()[2], sample.shape()[3], 77);

    List<float[]> outputs =
        run(
            form,
            checkpoint,
            graph,
            Map.of(
                "sample", sample.doubles(),
                "timestep", new double[] {500, 500},
                "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles()));

    assertWithin(outputs.get(0), "tiny/unet_out_rect_t500.npy", UNET);
  }

  @ParameterizedTest
  @MethodSource("everyFormAndCheckpoint")
  void decoderGivesDiffusersImage(Form form, Checkpoint checkpoint) throws Exception {
    Graph graph = AutoencoderKl.read(checkpoint.open().config("vae")).decoderGraph(2, 16, 16);

    List<float[]> outputs =
        run(form, checkpoint, graph, Map.of("latents", Golden.array("tiny/vae_in.npy").doubles()));

    assertWithin(outputs.get(0), checkpoint.golden + "vae_decode_out.npy", VAE);
  }

  @ParameterizedTest
  @MethodSource("everyFormAndCheckpoint")
  void encoderGivesDiffusersMoments(Form form, Checkpoint checkpoint) throws Exception {
    NpyArray image = Golden.array("tiny/vae_encode_in.npy");
    Graph graph =
        AutoencoderKl.read(checkpoint.open().config("vae"))
            .encoderGraph(image.shape()[0], image.shape()[2], image.shape()[3]);

    List<float[]> outputs = run(form, checkpoint, graph, Map.of("image", image.doubles()));

    assertWithin(outputs.get(0), "tiny/vae_encode_mean.npy", VAE);
    assertWithin(outputs.get(1), "tiny/vae_encode_logvar.npy", VAE);
  }

  /** Workers and restarts with more cores must make the same images. */
  @ParameterizedTest
  @EnumSource
  void theNumberOfThreadsChangesNoBit(Form form) throws Exception {
    Graph unet =
        UNet2DCondition.read(Checkpoint.TORCH.open().config("unet"), Numerics.TORCH)
            .graph(2, 16, 16, 77);
    Map<String, double[]> unetInputs =
        Map.of(
            "sample", Golden.array("tiny/unet_in_sample.npy").doubles(),
            "timestep", new double[] {500, 500},
            "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles());
    Graph decoder =
        AutoencoderKl.read(Checkpoint.TORCH.open().config("vae")).decoderGraph(2, 16, 16);
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
            Checkpoint.TORCH.open().weights(graph.name()),
            options)) {
      return lowered.run(inputs).get(0);
    }
  }

  private Lowered load(Form form, Checkpoint checkpoint, Graph graph) throws Exception {
    return Lowered.load(
        new OnnxLowering(form.plan),
        graph,
        checkpoint.open().weights(graph.name()),
        Lowered.options(form != Form.PLAIN, cache));
  }

  private List<float[]> run(
      Form form, Checkpoint checkpoint, Graph graph, Map<String, double[]> inputs)
      throws Exception {
    try (Lowered lowered = load(form, checkpoint, graph)) {
      return lowered.run(inputs);
    }
  }

  private static void assertWithin(float[] actual, String golden, double tolerance) {
    float[] expected = Golden.array(golden).floats();
    assertThat(actual).hasSameSizeAs(expected);
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs((double) actual[i] - expected[i]);
      worst = difference <= worst ? worst : difference;
    }
    assertThat(worst).as(golden).isLessThanOrEqualTo(tolerance);
  }
}
