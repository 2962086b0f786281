package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.lowerings.Difference;
import io.shardlight.lowerings.OperationCase;
import io.shardlight.lowerings.StoredParameters;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxLoweringTest {
  @TempDir Path directory;

  @Test
  void isFoundByServiceLoader() {
    assertThat(ServiceLoader.load(Lowering.class).stream().map(ServiceLoader.Provider::get))
        .anySatisfy(
            lowering -> {
              assertThat(lowering).isInstanceOf(OnnxLowering.class);
              assertThat(lowering.engineName()).isEqualTo("OnnxRuntime");
            });
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void everyRunGivesTheSameBitsAlsoBesideOthers(int threads) throws Exception {
    Graph graph = smallUnet();
    StoredParameters parameters =
        StoredParameters.random(graph, directory.resolve("weights"), 0.1, true);
    Map<String, double[]> inputs = OperationCase.inputs(graph);
    LoweringOptions options = new LoweringOptions(Device.cpu(), threads, true, directory);
    OnnxLowering lowering = new OnnxLowering();
    float[] first;
    try (Lowered alone = Lowered.load(lowering, graph, parameters, options)) {
      first = alone.run(inputs).get(0);
      assertThat(alone.run(inputs).get(0)).isEqualTo(first);
    }
    try (Lowered shared = Lowered.load(lowering, graph, parameters, options)) {
      ExecutorService lanes = Executors.newFixedThreadPool(3);
      try {
        List<Future<float[]>> runs = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          runs.add(lanes.submit(() -> shared.run(inputs).get(0)));
        }
        for (Future<float[]> run : runs) {
          assertThat(run.get()).isEqualTo(first);
        }
      } finally {
        lanes.shutdownNow();
      }
    }
  }

  @Test
  void anExampleIsTheSameUpToRoundingInABatchOfThree() throws Exception {
    GraphBuilder one = new GraphBuilder("one");
    one.output("result", block(one, one.input("x", DataType.FLOAT32, 1, 32, 16, 16)));
    GraphBuilder three = new GraphBuilder("three");
    three.output("result", block(three, three.input("x", DataType.FLOAT32, 3, 32, 16, 16)));
    Graph graph = three.build();
    StoredParameters parameters =
        StoredParameters.random(graph, directory.resolve("weights"), 0.1, true);
    double[] images = new Random(11).doubles(3 * 32 * 16 * 16, -1, 1).toArray();
    LoweringOptions options = Lowered.options(true, directory);

    try (Lowered alone = Lowered.load(new OnnxLowering(), one.build(), parameters, options);
        Lowered together = Lowered.load(new OnnxLowering(), graph, parameters, options)) {
      float[] all = together.run(Map.of("x", images)).get(0);
      for (int i = 0; i < 3; i++) {
        int size = images.length / 3;
        double[] image = Arrays.copyOfRange(images, i * size, (i + 1) * size);
        double[] expected = new double[size];
        for (int j = 0; j < size; j++) {
          expected[j] = all[i * size + j];
        }
        assertThat(Difference.ofLargest(alone.run(Map.of("x", image)).get(0), expected))
            .isLessThanOrEqualTo(1e-5);
      }
    }
  }

  @Test
  void takesArraysThatAnotherModelNamed() throws Exception {
    Graph graph = smallUnet();
    StoredParameters parameters =
        StoredParameters.random(graph, directory.resolve("weights"), 0.1, true);
    try (Lowered lowered =
            Lowered.load(new OnnxLowering(), graph, parameters, Lowered.options(true, directory));
        NDManager manager = lowered.model().getNDManager().newSubManager();
        Predictor<NDList, NDList> predictor = lowered.model().newPredictor(new NoopTranslator())) {
      NDList inputs = zeros(manager, graph);
      inputs.get(0).setName("latents of another network");

      NDList outputs = predictor.predict(inputs);

      assertThat(outputs).hasSize(1);
      assertThat(outputs.get(0).getShape()).isEqualTo(new Shape(2, 32, 16, 16));
    }
  }

  @Test
  void refusesInputsOfAnotherShape() throws Exception {
    Graph graph = smallUnet();
    StoredParameters parameters =
        StoredParameters.random(graph, directory.resolve("weights"), 0.1, true);
    try (Lowered lowered =
            Lowered.load(new OnnxLowering(), graph, parameters, Lowered.options(true, directory));
        NDManager manager = lowered.model().getNDManager().newSubManager();
        Predictor<NDList, NDList> predictor = lowered.model().newPredictor(new NoopTranslator())) {
      NDArray wrong = manager.create(new float[8], new Shape(1, 8));

      assertThatThrownBy(() -> predictor.predict(new NDList(wrong)))
          .hasRootCauseInstanceOf(IllegalArgumentException.class)
          .hasRootCauseMessage(
              "small was built for inputs [x (2, 32, 16, 16) float32, t (2, 32) float32], but was"
                  + " given [(1, 8) float32]; load it again for another batch or size");
    }
  }

  @Test
  void tellsModelDeviceAndShapesWhenARunFails() throws Exception {
    GraphBuilder builder = new GraphBuilder("text_encoder");
    builder.output(
        "result",
        builder.embedding(
            builder.parameter("table", 11, 6), builder.input("ids", DataType.INT64, 1, 3)));
    Graph graph = builder.build();
    StoredParameters parameters =
        StoredParameters.random(graph, directory.resolve("weights"), 1, true);
    try (Lowered lowered =
        Lowered.load(new OnnxLowering(), graph, parameters, Lowered.options(true, directory))) {
      assertThatThrownBy(() -> lowered.run(Map.of("ids", new double[] {1, 2, 11})))
          .cause()
          .isInstanceOf(EngineException.class)
          .hasMessageContaining("text_encoder failed on cpu() with inputs [(1, 3) int64]");
    }
  }

  @Test
  void refusesACheckpointThatIsGone() throws Exception {
    GraphBuilder builder = new GraphBuilder("network");
    builder.output(
        "result",
        builder.linear(
            builder.input("x", DataType.FLOAT32, 2, 200), builder.parameter("weight", 120, 200)));
    Graph graph = builder.build();
    Path file = directory.resolve("weights");
    StoredParameters parameters = StoredParameters.random(graph, file, 1, true);
    Files.delete(file);

    assertThatThrownBy(
            () -> new OnnxLowering().load(graph, parameters, Lowered.options(true, directory)))
        .isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("ONNX Runtime refuses network")
        .hasMessageContaining("weights");
  }

  private static Graph smallUnet() {
    GraphBuilder b = new GraphBuilder("small");
    Node x = b.input("x", DataType.FLOAT32, 2, 32, 16, 16);
    Node t = b.input("t", DataType.FLOAT32, 2, 32);
    Node h = b.addPerChannel(block(b, x), t);
    Node tokens = b.flattenSpatial(h);
    Node attention = b.attention(tokens, tokens, tokens, 4, 0.3f, false);
    Node sum =
        b.layerNorm(
            b.add(attention, tokens),
            b.parameter("ln.weight", 32),
            b.parameter("ln.bias", 32),
            1e-5f);
    b.output("result", b.add(x, b.unflattenSpatial(sum, 16, 16)));
    return b.build();
  }

  private static Node block(GraphBuilder b, Node x) {
    Node h = b.groupNorm(x, b.parameter("norm.weight", 32), b.parameter("norm.bias", 32), 4, 1e-5f);
    return b.conv2d(
        b.activate(h, Activation.SILU),
        b.parameter("conv.weight", 32, 32, 3, 3),
        b.parameter("conv.bias", 32),
        1,
        1);
  }

  private static NDList zeros(NDManager manager, Graph graph) {
    NDList inputs = new NDList();
    for (Node input : graph.inputs()) {
      float[] values = new float[Math.toIntExact(input.shape().size())];
      inputs.add(manager.create(values, input.shape()));
    }
    return inputs;
  }
}
