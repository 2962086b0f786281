package io.shardlight.lowerings;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;

/**
 * One operation, or a few that lowerings like to join, as a graph with small odd sizes. Every
 * lowering has to compute it as {@link io.shardlight.diffusion.graph.GraphInterpreter} does.
 *
 * @param tolerance of float32, as a part of the largest value
 * @param function from a builder to the node that is the result
 */
public record OperationCase(String name, double tolerance, Function<GraphBuilder, Node> function) {

  /** Graphs around convolutions, of which lowerings have several forms. */
  public static List<OperationCase> withConvolutions() {
    List<OperationCase> cases = new ArrayList<>();
    cases.addAll(convolutions());
    cases.addAll(residualBlocks());
    cases.addAll(convolutionsAndNeighbours());
    return cases;
  }

  /** All others. */
  public static List<OperationCase> others() {
    List<OperationCase> cases = new ArrayList<>();
    cases.addAll(convolutionsToFewChannels());
    cases.addAll(linearLayers());
    cases.addAll(normalisations());
    cases.addAll(activations());
    cases.addAll(attention());
    cases.addAll(movedElements());
    cases.addAll(timestepEmbeddings());
    return cases;
  }

  /** The graph, with one output {@code result}. */
  public Graph graph() {
    GraphBuilder builder = new GraphBuilder("operation");
    builder.output("result", function.apply(builder));
    return builder.build();
  }

  /**
   * The same numbers for all lowerings: floats in [-1, 1), ids below 11, timesteps below 1000.
   *
   * @return by name of the graph's inputs, row-major
   */
  public static Map<String, double[]> inputs(Graph graph) {
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

  private static List<OperationCase> convolutions() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      cases.add(convolution("3x3", batch, 5, 7, 3, new Op.Conv2d(1, 1, 1, 1, 1)));
      cases.add(convolution("3x3 of even size", batch, 12, 8, 3, new Op.Conv2d(1, 1, 1, 1, 1)));
      cases.add(convolution("3x3 without padding", batch, 9, 6, 3, new Op.Conv2d(1, 0, 0, 0, 0)));
      cases.add(convolution("3x3 uneven padding", batch, 6, 5, 3, new Op.Conv2d(1, 0, 1, 2, 0)));
      cases.add(convolution("3x3 stride 2", batch, 7, 9, 3, new Op.Conv2d(2, 1, 1, 1, 1)));
      cases.add(convolution("3x3 stride 2 encoder", batch, 8, 6, 3, new Op.Conv2d(2, 0, 0, 1, 1)));
      cases.add(convolution("1x1", batch, 5, 3, 1, new Op.Conv2d(1, 0, 0, 0, 0)));
      cases.add(convolution("1x1 stride 2", batch, 5, 3, 1, new Op.Conv2d(2, 0, 0, 0, 0)));
      cases.add(convolution("4x4 patches", batch, 8, 12, 4, new Op.Conv2d(4, 0, 0, 0, 0)));
      cases.add(withoutBias("1x1", batch, 5, 3, 1, new Op.Conv2d(1, 0, 0, 0, 0)));
      cases.add(withoutBias("3x3", batch, 5, 7, 3, new Op.Conv2d(1, 1, 1, 1, 1)));
      cases.add(withoutBias("4x4 patches", batch, 8, 12, 4, new Op.Conv2d(4, 0, 0, 0, 0)));
    }
    return cases;
  }

  private static OperationCase withoutBias(
      String name, int batch, int height, int width, int kernel, Op.Conv2d op) {
    return new OperationCase(
        name + " without bias of batch " + batch,
        2e-6,
        b ->
            b.conv2d(
                b.input("x", DataType.FLOAT32, batch, 5, height, width),
                b.parameter("weight", 6, 5, kernel, kernel),
                op));
  }

  private static OperationCase convolution(
      String name, int batch, int height, int width, int kernel, Op.Conv2d op) {
    return new OperationCase(
        name + " of batch " + batch,
        2e-6,
        b ->
            b.conv2d(
                b.input("x", DataType.FLOAT32, batch, 5, height, width),
                b.parameter("weight", 6, 5, kernel, kernel),
                b.parameter("bias", 6),
                op));
  }

  private static List<OperationCase> convolutionsToFewChannels() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (Op.Conv2d op : List.of(new Op.Conv2d(1, 1, 1, 1, 1), new Op.Conv2d(2, 0, 1, 2, 1))) {
        cases.add(
            new OperationCase(
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
    return cases;
  }

  private static List<OperationCase> residualBlocks() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      cases.add(
          new OperationCase(
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
    return cases;
  }

  private static Node normalised(GraphBuilder b, Node x, String name) {
    Node norm =
        b.groupNorm(x, b.parameter(name + ".weight", 6), b.parameter(name + ".bias", 6), 3, 1e-5f);
    return b.activate(norm, Activation.SILU);
  }

  private static List<OperationCase> convolutionsAndNeighbours() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      cases.add(
          new OperationCase(
              "doubled image, batch " + batch,
              2e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 5, 3, 5);
                return conv3(b, b.upsampleNearest2x(x), "conv");
              }));
      cases.add(
          new OperationCase(
              "doubled image used twice, batch " + batch,
              2e-6,
              b -> {
                Node x = b.upsampleNearest2x(b.input("x", DataType.FLOAT32, batch, 6, 3, 4));
                return b.add(conv3(b, x, "conv"), x);
              }));
      cases.add(
          new OperationCase(
              "channel addend, batch " + batch,
              2e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 4, 6, 5);
                return b.addPerChannel(
                    conv3(b, x, "conv"), b.input("t", DataType.FLOAT32, batch, 6));
              }));
      cases.add(
          new OperationCase(
              "channel addend and another use, batch " + batch,
              2e-6,
              b -> {
                Node conv = conv3(b, b.input("x", DataType.FLOAT32, batch, 4, 6, 5), "conv");
                Node sum = b.addPerChannel(conv, b.input("t", DataType.FLOAT32, batch, 6));
                return b.multiply(sum, conv);
              }));
      cases.add(
          new OperationCase(
              "two convolutions, batch " + batch,
              4e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 6, 9, 4);
                return conv3(b, conv3(b, x, "first"), "second");
              }));
    }
    return cases;
  }

  private static Node conv3(GraphBuilder b, Node x, String name) {
    return b.conv2d(
        x,
        b.parameter(name + ".weight", 6, x.dimension(1), 3, 3),
        b.parameter(name + ".bias", 6),
        1,
        1);
  }

  private static List<OperationCase> linearLayers() {
    List<OperationCase> cases = new ArrayList<>();
    cases.add(
        new OperationCase(
            "tokens",
            1e-6,
            b ->
                b.linear(
                    b.input("x", DataType.FLOAT32, 3, 5, 7),
                    b.parameter("weight", 6, 7),
                    b.parameter("bias", 6))));
    cases.add(
        new OperationCase(
            "no bias",
            1e-6,
            b -> b.linear(b.input("x", DataType.FLOAT32, 1, 5, 7), b.parameter("weight", 6, 7))));
    cases.add(
        new OperationCase(
            "matrix",
            1e-6,
            b ->
                b.linear(
                    b.input("x", DataType.FLOAT32, 3, 7),
                    b.parameter("weight", 6, 7),
                    b.parameter("bias", 6))));
    cases.add(
        new OperationCase(
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
    return cases;
  }

  private static List<OperationCase> normalisations() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (int[] size : new int[][] {{5, 7}, {16, 16}}) {
        cases.add(
            new OperationCase(
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
      cases.add(
          new OperationCase(
              "layer norm, batch " + batch,
              3e-6,
              b -> layerNorm(b, b.input("x", DataType.FLOAT32, batch, 5, 9))));
      cases.add(
          new OperationCase(
              "layer norm of a sum that is used again, batch " + batch,
              3e-6,
              b -> {
                Node x = b.input("x", DataType.FLOAT32, batch, 5, 9);
                Node sum = b.add(x, b.input("y", DataType.FLOAT32, batch, 5, 9));
                return b.multiply(layerNorm(b, sum), sum);
              }));
    }
    cases.add(
        new OperationCase(
            "layer norm of a sum that repeats",
            3e-6,
            b ->
                layerNorm(
                    b,
                    b.add(b.input("x", DataType.FLOAT32, 3, 5, 9), b.parameter("table", 5, 9)))));
    return cases;
  }

  private static Node layerNorm(GraphBuilder b, Node x) {
    return b.layerNorm(x, b.parameter("weight", 9), b.parameter("bias", 9), 1e-5f);
  }

  private static List<OperationCase> activations() {
    List<OperationCase> cases = new ArrayList<>();
    for (Activation activation : Activation.values()) {
      cases.add(
          new OperationCase(
              activation + " of an image",
              1e-6,
              b -> b.activate(b.input("x", DataType.FLOAT32, 2, 3, 4, 5), activation)));
      cases.add(
          new OperationCase(
              activation + " of a vector",
              1e-6,
              b -> b.activate(b.input("x", DataType.FLOAT32, 7), activation)));
    }
    return cases;
  }

  private static List<OperationCase> attention() {
    List<OperationCase> cases = new ArrayList<>();
    for (int batch : new int[] {1, 3}) {
      for (int heads : new int[] {1, 4}) {
        for (boolean causal : new boolean[] {false, true}) {
          cases.add(
              new OperationCase(
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
        cases.add(
            new OperationCase(
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
    return cases;
  }

  private static List<OperationCase> movedElements() {
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
    graphs.put(
        "token in front of tokens",
        b -> b.prependToken(b.input("x", DataType.FLOAT32, 3, 5, 4), b.parameter("token", 4)));
    graphs.put(
        "token in front of an image",
        b -> b.prependToken(b.flattenSpatial(image(b, "x")), b.parameter("token", 4)));
    graphs.put("upsample", b -> b.upsampleNearest2x(image(b, "x")));
    graphs.put("flatten", b -> b.flattenSpatial(image(b, "x")));
    graphs.put(
        "unflatten", b -> b.unflattenSpatial(b.input("x", DataType.FLOAT32, 3, 30, 4), 6, 5));
    graphs.put(
        "embedding",
        b -> b.embedding(b.parameter("table", 11, 6), b.input("ids", DataType.INT64, 3, 7)));
    return graphs.entrySet().stream()
        .map(entry -> new OperationCase(entry.getKey(), 1e-7, entry.getValue()))
        .toList();
  }

  private static Node image(GraphBuilder b, String name) {
    return b.input(name, DataType.FLOAT32, 3, 4, 6, 5);
  }

  private static List<OperationCase> timestepEmbeddings() {
    List<OperationCase> cases = new ArrayList<>();
    for (boolean cosineFirst : new boolean[] {false, true}) {
      for (float shift : new float[] {0, 1}) {
        // Half a unit in the last place of a frequency times a timestep of 999.
        cases.add(
            new OperationCase(
                "cosine first " + cosineFirst + ", shift " + shift,
                1e-4,
                b ->
                    b.sinusoidalEmbedding(
                        b.input("timestep", DataType.FLOAT32, 3), 32, cosineFirst, shift)));
      }
    }
    return cases;
  }
}
