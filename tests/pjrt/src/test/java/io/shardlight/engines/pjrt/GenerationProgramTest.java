package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LatentDiffusion;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.scheduler.LatentCombinations;
import io.shardlight.diffusion.scheduler.Scheduler;
import io.shardlight.diffusion.scheduler.SchedulerConfig;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.diffusion.tokenizer.ClipTokenizer;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.engines.pjrt.GenerationProgram.Weight;
import io.shardlight.engines.pjrt.XlaCpu.Tensor;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole generations as one program, compiled and run by XLA, against diffusers' images. */
class GenerationProgramTest {
  private static final int ROWS = 128;

  static List<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (JsonNode c : Golden.json("tiny/e2e.json")) {
      cases.add(Arguments.of(c.get("id").asText(), c));
    }
    assertThat(cases).hasSize(14);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void drawsWhatThePyTorchPipelineDrew(String id, JsonNode c) throws IOException {
    NpzArchive golden = Golden.archive("tiny/e2e.npz");
    ModelDirectory model = ModelDirectory.open(TinyModels.torch());
    ClipTokenizer tokenizer = ClipTokenizer.load(model.tokenizer());
    boolean guided = c.get("g").doubleValue() > 1;
    LatentDiffusion diffusion =
        diffusion(model, guided, c.get("h").asInt() / 8, c.get("w").asInt() / 8);
    GenerationProgram program = GenerationProgram.write(diffusion, ElementType.F32);
    Scheduler scheduler =
        SchedulerKind.fromOption(c.get("sched").asText())
            .create(SchedulerConfig.read(model.config("scheduler")), c.get("steps").asInt());
    LatentCombinations combinations = LatentCombinations.of(scheduler, scheduler.stepCount(), ROWS);
    int[] prompt = tokenizer.encode(c.get("prompt").asText()).ids();
    int[] negative = tokenizer.encode(c.path("neg").asText("")).ids();

    List<Tensor> arguments = weights(model, program);
    List<TensorType> types =
        program.arguments().subList(arguments.size(), program.arguments().size());
    double[][] inputs = {
      guided ? concat(doubles(negative), doubles(prompt)) : doubles(prompt),
      {0, c.get("seed").asLong()},
      {c.get("g").floatValue()},
      {scheduler.stepCount()},
      doubles(combinations.timesteps()),
      doubles(combinations.coefficients())
    };
    for (int i = 0; i < inputs.length; i++) {
      arguments.add(Tensor.of(types.get(i), inputs[i]));
    }
    List<Tensor> outputs = XlaCpu.get().run(program.text(), program.results(), arguments);

    byte[] expected = golden.array(id + "/image_u8").bytes();
    assertThat(outputs.get(0).floats()).hasSameSizeAs(expected);
    int largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs((int) outputs.get(0).get(i) - (expected[i] & 0xff)));
    }
    assertThat(largest).as("levels of 255").isLessThanOrEqualTo(1);
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
        ROWS);
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
