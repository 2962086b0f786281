package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LatentDiffusion;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.scheduler.LatentCombinations;
import io.shardlight.diffusion.scheduler.Scheduler;
import io.shardlight.diffusion.scheduler.SchedulerConfig;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.engines.pjrt.NetworkFunction.Weight;
import io.shardlight.engines.pjrt.XlaCpu.Tensor;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.GoldenImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole generations as one program, compiled and run by XLA, against diffusers' images. */
class GenerationProgramTest {
  private static final int ROWS = 128;

  static List<GoldenImage> cases() {
    List<GoldenImage> cases = GoldenImage.torch();
    assertThat(cases).hasSize(14);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void drawsWhatThePyTorchPipelineDrew(GoldenImage golden) throws IOException {
    ImageRequest request = golden.request();
    ModelDirectory model = ModelDirectory.open(TinyModels.torch());
    ClipTokenizer tokenizer = ClipTokenizer.load(model.tokenizer());
    boolean guided = request.guidanceScale() > 1;
    LatentDiffusion diffusion =
        diffusion(model, guided, request.heightPixels() / 8, request.widthPixels() / 8);
    GenerationProgram program =
        GenerationProgram.write(diffusion, ElementType.F32, AttentionForm.PLAIN);
    Scheduler scheduler =
        request
            .scheduler()
            .create(SchedulerConfig.read(model.config("scheduler")), request.steps());
    LatentCombinations combinations = LatentCombinations.of(scheduler, scheduler.stepCount(), ROWS);
    int[] prompt = tokenizer.encode(request.prompt()).ids();
    int[] negative = tokenizer.encode(request.negativePrompt()).ids();

    List<Tensor> arguments = weights(model, program);
    List<TensorType> types =
        program.arguments().subList(arguments.size(), program.arguments().size());
    double[][] inputs = {
      guided ? concat(doubles(negative), doubles(prompt)) : doubles(prompt),
      {
        Integer.toUnsignedLong(request.noiseKey().high()),
        Integer.toUnsignedLong(request.noiseKey().low())
      },
      {request.guidanceScale()},
      {scheduler.stepCount()},
      doubles(combinations.timesteps()),
      doubles(combinations.coefficients())
    };
    for (int i = 0; i < inputs.length; i++) {
      arguments.add(Tensor.of(types.get(i), inputs[i]));
    }
    List<Tensor> outputs = XlaCpu.get().run(program.text(), program.results(), arguments);

    byte[] drawn = new byte[outputs.get(0).bytes().remaining()];
    outputs.get(0).bytes().get(drawn);
    assertThat(Difference.ofLevels(drawn, golden.bytes().bytes()))
        .as("levels of 255")
        .isLessThanOrEqualTo(1);
    assertThat(outputs.get(1).get(0)).as("damaged").isZero();
  }

  private static LatentDiffusion diffusion(
      ModelDirectory model, boolean guided, int latentHeight, int latentWidth) throws IOException {
    int samples = guided ? 2 : 1;
    ClipTextModel textEncoder = ClipTextModel.read(model.config("text_encoder"));
    AutoencoderKl vae = AutoencoderKl.read(model.config("vae"));
    Graph unet =
        UNet2DCondition.read(model.config("unet"), Numerics.TORCH)
            .graph(samples, latentHeight, latentWidth, textEncoder.config().maxPositions());
    return new LatentDiffusion(
        textEncoder.graph(samples),
        unet,
        vae.decoderGraph(1, latentHeight, latentWidth),
        vae.config().scalingFactor(),
        ROWS,
        false);
  }

  private static List<Tensor> weights(ModelDirectory model, GenerationProgram program)
      throws IOException {
    List<Tensor> weights = new ArrayList<>();
    for (Weight weight : program.weights()) {
      weights.add(
          GraphOnXla.weight(
              model.weights(weight.component()).get(weight.parameter().label()),
              weight.parameter(),
              ElementType.F32));
    }
    return weights;
  }

  private static double[] doubles(int[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static double[] concat(double[] first, double[] second) {
    double[] both = new double[first.length + second.length];
    System.arraycopy(first, 0, both, 0, first.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
