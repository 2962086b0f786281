package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every operation alone, lowered both ways, against double precision. */
class OperationsTest {
  private final Path directory;

  OperationsTest(@TempDir Path directory) {
    this.directory = directory;
  }

  /** All of Winograd's forms on images of a few pixels, whole and in strips. */
  private static final Map<String, OnnxLowering> FUSED =
      Map.of(
          "fused", new OnnxLowering(),
          "F4", new OnnxLowering(new ConvolutionPlan(1, 1, 1, 1 << 24, 1 << 24)),
          "F4 in strips", new OnnxLowering(new ConvolutionPlan(1, 1, 1, 1, 1)),
          "F2", new OnnxLowering(new ConvolutionPlan(1000, 1, 1, 1 << 24, 1)),
          "F2 in strips", new OnnxLowering(new ConvolutionPlan(1000, 1, 1, 1, 1 << 24)));

  @TestFactory
  Stream<DynamicTest> convolutionsAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      tests.addAll(convolution("3x3", batch, 5, 7, 3, new Op.Conv2d(1, 1, 1, 1, 1)));
      tests.addAll(convolution("3x3 of even size", batch, 12, 8, 3, new Op.Conv2d(1, 1, 1, 1, 1)));
      tests.addAll(
          convolution("3x3 without padding", batch, 9, 6, 3, new Op.Conv2d(1, 0, 0, 0, 0)));
      tests.addAll(convolution("3x3 uneven padding", batch, 6, 5, 3, new Op.Conv2d(1, 0, 1, 2, 0)));
      tests.addAll(convolution("3x3 stride 2", batch, 7, 9, 3, new Op.Conv2d(2, 1, 1, 1, 1)));
      tests.addAll(
          convolution("3x3 stride 2 encoder", batch, 8, 6, 3, new Op.Conv2d(2, 0, 0, 1, 1)));
      tests.addAll(convolution("1x1", batch, 5, 3, 1, new Op.Conv2d(1, 0, 0, 0, 0)));
      tests.addAll(convolution("1x1 stride 2", batch, 5, 3, 1, new Op.Conv2d(2, 0, 0, 0, 0)));
      tests.addAll(convolution("4x4 patches", batch, 8, 12, 4, new Op.Conv2d(4, 0, 0, 0, 0)));
    }
    return tests.stream();
  }

  private List<DynamicTest> convolution(
      String name, int batch, int height, int width, int kernel, Op.Conv2d op) {
    return all(
        name + " of batch " + batch,
        2e-6,
        b ->
            b.conv2d(
                b.input("x", DataType.FLOAT32, batch, 5, height, width),
                b.parameter("weight", 6, 5, kernel, kernel),
                b.parameter("bias", 6),
                op));
  }

  @TestFactory
  Stream<DynamicTest> convolutionsToFewChannelsAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (Op.Conv2d op : List.of(new Op.Conv2d(1, 1, 1, 1, 1), new Op.Conv2d(2, 0, 1, 2, 1))) {
        tests.addAll(
            plainAndFused(
                op + " of batch " + batch,
                3e-6,
                b ->
                    b.conv2d(
                        b.input("x", DataType.FLOAT32, batch, 40, 7, 6),
                        b.parameter("weight", 2, 40, 3, 3),
                        b.parameter("bias", 2),
                        op)));
      }
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> residualBlocksAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      tests.addAll(
          all(
              "batch " + batch,
              5e-6,
              b -> {
                Node x = conv3(b, b.input("x", DataType.FLOAT32, batch, 4, 10, 7), "in");
                Node h = normalised(b, x, "norm1");
                h = conv3(b, h, "conv1");
                h = b.addPerChannel(h, b.input("t", DataType.FLOAT32, batch, 6));
                h = conv3(b, normalised(b, h, "norm2"), "conv2");
                Node shortcut =
                    b.conv2d(
                        x, b.parameter("s.weight", 6, 6, 1, 1), b.parameter("s.bias", 6), 1, 0);
                Node sum = b.add(shortcut, h);
                Node larger = conv3(b, b.upsampleNearest2x(sum), "up");
                return b.add(larger, b.upsampleNearest2x(sum));
              }));
    }
    return tests.stream();
  }

  private static Node normalised(GraphBuilder b, Node x, String name) {
    Node norm =
        b.groupNorm(x, b.parameter(name + ".weight", 6), b.parameter(name + ".bias", 6), 3, 1e-5f);
    return b.activate(norm, Activation.SILU);
  }

  @TestFactory
  Stream<DynamicTest> convolutionsTakeTheirNeighbours() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      tests.addAll(
          all(
              "doubled image, batch " + batch,
              2e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 5, 3, 5);
                return conv3(b, b.upsampleNearest2x(x), "conv");
              }));
      tests.addAll(
          all(
              "doubled image used twice, batch " + batch,
              2e-6,
              b -> {
                Node x = b.upsampleNearest2x(b.input("x", DataType.FLOAT32, batch, 6, 3, 4));
                return b.add(conv3(b, x, "conv"), x);
              }));
      tests.addAll(
          all(
              "channel addend, batch " + batch,
              2e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 4, 6, 5);
                return b.addPerChannel(
                    conv3(b, x, "conv"), b.input("t", DataType.FLOAT32, batch, 6));
              }));
      tests.addAll(
          all(
              "channel addend and another use, batch " + batch,
              2e-6,
              b -> {
                Node conv = conv3(b, b.input("x", DataType.FLOAT32, batch, 4, 6, 5), "conv");
                Node sum = b.addPerChannel(conv, b.input("t", DataType.FLOAT32, batch, 6));
                return b.multiply(sum, conv);
              }));
      tests.addAll(
          all(
              "two convolutions, batch " + batch,
              4e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 6, 9, 4);
                return conv3(b, conv3(b, x, "first"), "second");
              }));
    }
    return tests.stream();
  }

  private static Node conv3(GraphBuilder b, Node x, String name) {
    return b.conv2d(
        x,
        b.parameter(name + ".weight", 6, x.dimension(1), 3, 3),
        b.parameter(name + ".bias", 6),
        1,
        1);
  }

  @TestFactory
  Stream<DynamicTest> linearLayersAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    tests.addAll(
        plainAndFused(
            "tokens",
            1e-6,
            b ->
                b.linear(
                    b.input("x", DataType.FLOAT32, 3, 5, 7),
                    b.parameter("weight", 6, 7),
                    b.parameter("bias", 6))));
    tests.addAll(
        plainAndFused(
            "no bias",
            1e-6,
            b -> b.linear(b.input("x", DataType.FLOAT32, 1, 5, 7), b.parameter("weight", 6, 7))));
    tests.addAll(
        plainAndFused(
            "matrix",
            1e-6,
            b ->
                b.linear(
                    b.input("x", DataType.FLOAT32, 3, 7),
                    b.parameter("weight", 6, 7),
                    b.parameter("bias", 6))));
    tests.addAll(
        plainAndFused(
            "row slices of one weight, large enough to be mapped",
            3e-6,
            b -> {
              Node x = b.input("x", DataType.FLOAT32, 1, 3, 150);
              Node weight = b.parameter("weight", 280, 150);
              Node bias = b.parameter("bias", 280);
              Node first = b.linear(x, b.slice(weight, 0, 0, 140), b.slice(bias, 0, 0, 140));
              Node second = b.linear(x, b.slice(weight, 0, 140, 280), b.slice(bias, 0, 140, 280));
              return b.multiply(first, second);
            }));
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> normalisationsAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (int[] size : new int[][] {{5, 7}, {16, 16}}) {
        tests.addAll(
            plainAndFused(
                "group norm of " + size[0] + "x" + size[1] + ", batch " + batch,
                3e-6,
                b ->
                    b.groupNorm(
                        b.input("x", DataType.FLOAT32, batch, 6, size[0], size[1]),
                        b.parameter("weight", 6),
                        b.parameter("bias", 6),
                        3,
                        1e-5f)));
      }
      tests.addAll(
          plainAndFused(
              "layer norm, batch " + batch,
              3e-6,
              b -> layerNorm(b, b.input("x", DataType.FLOAT32, batch, 5, 9))));
      tests.addAll(
          plainAndFused(
              "layer norm of a sum that is used again, batch " + batch,
              3e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 5, 9);
                Node sum = b.add(x, b.input("y", DataType.FLOAT32, batch, 5, 9));
                return b.multiply(layerNorm(b, sum), sum);
              }));
    }
    tests.addAll(
        plainAndFused(
            "layer norm of a sum that repeats",
            3e-6,
            b ->
                layerNorm(
                    b,
                    b.add(b.input("x", DataType.FLOAT32, 3, 5, 9), b.parameter("table", 5, 9)))));
    return tests.stream();
  }

  private static Node layerNorm(GraphBuilder b, Node x) {
    return b.layerNorm(x, b.parameter("weight", 9), b.parameter("bias", 9), 1e-5f);
  }

  @TestFactory
  Stream<DynamicTest> activationsAreExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      tests.addAll(
          plainAndFused(
              activation + " of an image",
              1e-6,
              b -> b.activate(b.input("x", DataType.FLOAT32, 2, 3, 4, 5), activation)));
      tests.addAll(
          plainAndFused(
              activation + " of a vector",
              1e-6,
              b -> b.activate(b.input("x", DataType.FLOAT32, 7), activation)));
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> attentionIsExact() {
    List<DynamicTest> tests = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (int heads : new int[] {1, 4}) {
        for (boolean causal : new boolean[] {false, true}) {
          tests.addAll(
              plainAndFused(
                  "self, batch " + batch + ", heads " + heads + (causal ? ", causal" : ""),
                  1e-6,
                  b ->
                      b.attention(
                          b.input("q", DataType.FLOAT32, batch, 11, 8),
                          b.input("k", DataType.FLOAT32, batch, 11, 8),
                          b.input("v", DataType.FLOAT32, batch, 11, 8),
                          heads,
                          0.7f,
                          causal)));
        }
        tests.addAll(
            plainAndFused(
                "cross, batch " + batch + ", heads " + heads,
                1e-6,
                b ->
                    b.attention(
                        b.input("q", DataType.FLOAT32, batch, 13, 8),
                        b.input("k", DataType.FLOAT32, batch, 5, 8),
                        b.input("v", DataType.FLOAT32, batch, 5, 8),
                        heads,
                        0.7f,
                        false)));
      }
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> elementsGoWhereTheyBelong() {
    Map<String, Function<GraphBuilder, Node>> graphs = new LinkedHashMap<>();
    graphs.put("add", b -> b.add(image(b, "x"), image(b, "y")));
    graphs.put("add with repetition", b -> b.add(image(b, "x"), b.parameter("y", 4, 6, 5)));
    graphs.put(
        "add of a vector",
        b -> b.add(b.input("x", DataType.FLOAT32, 2, 3, 4), b.parameter("y", 4)));
    graphs.put(
        "add per channel",
        b -> b.addPerChannel(image(b, "x"), b.input("y", DataType.FLOAT32, 3, 4)));
    graphs.put("multiply", b -> b.multiply(image(b, "x"), image(b, "y")));
    graphs.put("scale", b -> b.scale(image(b, "x"), -1.5f));
    graphs.put("clamp", b -> b.clamp(image(b, "x"), -0.5f, 0.25f));
    for (int axis = 0; axis < 4; axis++) {
      int along = axis;
      graphs.put(
          "concat of images, axis " + axis, b -> b.concat(image(b, "x"), image(b, "y"), along));
      graphs.put("slice of an image, axis " + axis, b -> b.slice(image(b, "x"), along, 1, 3));
    }
    for (int axis = 0; axis < 3; axis++) {
      int along = axis;
      graphs.put(
          "concat of tokens, axis " + axis,
          b -> b.concat(b.flattenSpatial(image(b, "x")), b.flattenSpatial(image(b, "y")), along));
      graphs.put(
          "slice of tokens, axis " + axis,
          b -> b.slice(b.flattenSpatial(image(b, "x")), along, 1, 3));
    }
    graphs.put(
        "slice of a weight's columns",
        b -> b.add(b.input("x", DataType.FLOAT32, 5, 3), b.slice(b.parameter("w", 5, 9), 1, 2, 5)));
    graphs.put("upsample", b -> b.upsampleNearest2x(image(b, "x")));
    graphs.put("flatten", b -> b.flattenSpatial(image(b, "x")));
    graphs.put(
        "unflatten", b -> b.unflattenSpatial(b.input("x", DataType.FLOAT32, 3, 30, 4), 6, 5));
    graphs.put(
        "embedding",
        b -> b.embedding(b.parameter("table", 11, 6), b.input("ids", DataType.INT64, 3, 7)));
    return graphs.entrySet().stream()
        .flatMap(entry -> plainAndFused(entry.getKey(), 1e-7, entry.getValue()).stream());
  }

  private static Node image(GraphBuilder b, String name) {
    return b.input(name, DataType.FLOAT32, 3, 4, 6, 5);
  }

  @TestFactory
  Stream<DynamicTest> timestepEmbeddingsFollowFloat32Frequencies() {
    List<DynamicTest> tests = new ArrayList<>();
    for (boolean cosineFirst : new boolean[] {false, true}) {
      for (float shift : new float[] {0, 1}) {
        // Half a unit in the last place of a frequency times a timestep of 999.
        tests.addAll(
            plainAndFused(
                "cosine first " + cosineFirst + ", shift " + shift,
                1e-4,
                b ->
                    b.sinusoidalEmbedding(
                        b.input("timestep", DataType.FLOAT32, 3), 32, cosineFirst, shift)));
      }
    }
    return tests.stream();
  }

  private List<DynamicTest> all(String name, double tolerance, Function<GraphBuilder, Node> graph) {
    List<DynamicTest> tests = new ArrayList<>();
    tests.add(test("plain", new OnnxLowering(), false, name, tolerance, graph));
    FUSED.forEach(
        (form, lowering) ->
            tests.add(
                test(
                    form,
                    lowering,
                    true,
                    name,
                    form.startsWith("F4") ? 10 * tolerance : tolerance,
                    graph)));
    return tests;
  }

  private List<DynamicTest> plainAndFused(
      String name, double tolerance, Function<GraphBuilder, Node> graph) {
    return List.of(
        test("plain", new OnnxLowering(), false, name, tolerance, graph),
        test("fused", new OnnxLowering(), true, name, tolerance, graph));
  }

  private DynamicTest test(
      String form,
      OnnxLowering lowering,
      boolean fusions,
      String name,
      double tolerance,
      Function<GraphBuilder, Node> function) {
    return DynamicTest.dynamicTest(
        name + ", " + form,
        () -> {
          GraphBuilder builder = new GraphBuilder("operation");
          builder.output("result", function.apply(builder));
          Graph graph = builder.build();
          StoredParameters parameters =
              StoredParameters.random(graph, directory.resolve("weights"), 1, true);
          Map<String, double[]> inputs = randomInputs(graph);
          double[] exact =
              new GraphInterpreter(graph, parameters).run(inputs).values().iterator().next();
          try (Lowered lowered =
              Lowered.load(lowering, graph, parameters, Lowered.options(fusions, directory))) {
            assertClose(lowered.run(inputs).get(0), exact, tolerance);
          }
        });
  }

  static Map<String, double[]> randomInputs(Graph graph) {
    Random random = new Random(11);
    Map<String, double[]> inputs = new LinkedHashMap<>();
    for (Node input : graph.inputs()) {
      double[] values = new double[Math.toIntExact(input.shape().size())];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            input.dataType() == DataType.INT64
                ? random.nextInt(11)
                : input.label().equals("timestep")
                    ? random.nextInt(1000)
                    : (float) (2 * random.nextDouble() - 1);
      }
      inputs.put(input.label(), values);
    }
    return inputs;
  }

  /** Within a part of the largest value. */
  static void assertClose(float[] actual, double[] exact, double tolerance) {
    assertThat(actual).hasSameSizeAs(exact);
    double largest = 1e-30;
    double worst = 0;
    for (int i = 0; i < exact.length; i++) {
      largest = Math.max(largest, Math.abs(exact[i]));
      worst = Math.max(worst, Math.abs(actual[i] - exact[i]));
      assertThat(actual[i]).isFinite();
    }
    assertThat(worst / largest).isLessThanOrEqualTo(tolerance);
  }
}
