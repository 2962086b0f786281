package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.ModelProto;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The graph in the form that is fast on a CPU: images and tokens alike are matrices of rows {@code
 * [batch * pixels, channels]}, so that linear layers and 1x1 convolutions are matrix products with
 * the checkpoint's own weights and no transpose stands between convolutions and attention; 3x3
 * convolutions are Winograd's; attention, skip normalisation and activations are ONNX Runtime's
 * fused operators.
 */
final class FusedEmitter implements Emitter {
  private final Graph graph;
  private final WeightInitializers weights;
  private final ConvolutionPlan plan;
  private final OnnxModelBuilder onnx;

  /** Values as matrices of rows; of rank 2 and more only. */
  private final Map<Node, String> rows = new HashMap<>();

  /** Values in the graph's own shape. */
  private final Map<Node, String> plain = new HashMap<>();

  /** Images that are normalised where they are used. */
  private final Map<Node, NormalisedPixels> normalised = new HashMap<>();

  /** Images that were computed in strips and not joined. */
  private final Map<Node, StripedPixels> striped = new HashMap<>();

  private final int[] uses;
  private final Set<Node> convolutionsWithAddend = new HashSet<>();

  FusedEmitter(Graph graph, WeightInitializers weights, ConvolutionPlan plan) {
    this.graph = graph;
    this.weights = weights;
    this.plan = plan;
    this.onnx = new OnnxModelBuilder(graph.name());
    this.uses = graph.useCounts();
  }

  @Override
  public ModelProto emit() throws IOException {
    findAddends();
    for (Node node : graph.nodes()) {
      onnx.scope(node.label());
      if (node.op() instanceof Op.Input input) {
        onnx.input(input.name(), node.dataType(), node.shape());
        plain.put(node, input.name());
      } else if (WeightView.of(node).isEmpty()) {
        emit(node);
      }
    }
    for (Map.Entry<String, Node> output : graph.outputs().entrySet()) {
      Node node = output.getValue();
      onnx.output(output.getKey(), node.dataType(), node.shape(), plain(node));
    }
    return onnx.build();
  }

  /** Finds convolutions that take an addend per channel, a timestep's, along with their bias. */
  private void findAddends() {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.AddPerChannel
          && node.operand(0).op() instanceof Op.Conv2d
          && uses[node.operand(0).id()] == 1) {
        convolutionsWithAddend.add(node.operand(0));
      }
    }
  }

  private void emit(Node node) throws IOException {
    Op op = node.op();
    if (op instanceof Op.Conv2d) {
      if (!convolutionsWithAddend.contains(node)) {
        convolution(node, node, Optional.empty());
      }
    } else if (op instanceof Op.Linear) {
      linear(node);
    } else if (op instanceof Op.GroupNorm norm) {
      groupNorm(node, norm);
    } else if (op instanceof Op.LayerNorm norm) {
      layerNorm(node, norm);
    } else if (op instanceof Op.Activate activate) {
      activate(node, activate);
    } else if (op instanceof Op.Add) {
      if (!node.operand(1).shape().equals(node.shape())) {
        plain.put(node, onnx.add("Add", plain(node.operand(0)), plain(node.operand(1))));
      } else if (striped.containsKey(node.operand(0))) {
        striped.put(node, sum(striped.get(node.operand(0)), node.operand(1)));
      } else if (striped.containsKey(node.operand(1))) {
        striped.put(node, sum(striped.get(node.operand(1)), node.operand(0)));
      } else {
        put(node, onnx.add("Add", body(node, 0), body(node, 1)));
      }
    } else if (op instanceof Op.AddPerChannel) {
      addPerChannel(node);
    } else if (op instanceof Op.Multiply) {
      put(node, onnx.add("Mul", body(node, 0), body(node, 1)));
    } else if (op instanceof Op.Scale scale) {
      put(node, onnx.add("Mul", body(node, 0), onnx.scalar(scale.factor())));
    } else if (op instanceof Op.Clamp clamp) {
      put(
          node,
          onnx.add("Clip", body(node, 0), onnx.scalar(clamp.min()), onnx.scalar(clamp.max())));
    } else if (op instanceof Op.Attention attention) {
      attention(node, attention);
    } else if (op instanceof Op.Concat concat) {
      String first = axesOf(node.operand(0));
      String second = axesOf(node.operand(1));
      int axis = storedAxis(node, concat.axis());
      putAxes(node, onnx.call("Concat", first, second).with("axis", axis).output());
    } else if (op instanceof Op.PrependToken) {
      long[] first = {node.dimension(0), 1, node.dimension(2)};
      String token = onnx.add("Expand", plain(node.operand(1)), onnx.longs(first));
      putAxes(node, onnx.call("Concat", token, axesOf(node.operand(0))).with("axis", 1).output());
    } else if (op instanceof Op.Slice slice) {
      putAxes(
          node,
          onnx.add(
              "Slice",
              axesOf(node.operand(0)),
              onnx.longs(slice.start()),
              onnx.longs(slice.end()),
              onnx.longs(storedAxis(node, slice.axis()))));
    } else if (op instanceof Op.FlattenSpatial || op instanceof Op.UnflattenSpatial) {
      rows.put(node, rows(node.operand(0)));
    } else if (op instanceof Op.Embedding) {
      plain.put(node, onnx.add("Gather", plain(node.operand(0)), plain(node.operand(1))));
    } else if (op instanceof Op.SinusoidalEmbedding embedding) {
      sinusoidalEmbedding(node, embedding);
    } else if (!(op instanceof Op.UpsampleNearest2x)) {
      throw new IllegalStateException("no ONNX form for " + op);
    }
  }

  // Convolutions.

  /**
   * @param target whose value the result is: the convolution, or a sum with an addend per channel
   * @param addend {@code [batch, channels]}
   */
  private void convolution(Node node, Node target, Optional<String> addend) throws IOException {
    Op.Conv2d op = (Op.Conv2d) node.op();
    Node image = node.operand(0);
    boolean doubled = image.op() instanceof Op.UpsampleNearest2x;
    Node stored = doubled ? image.operand(0) : image;
    ConvolutionShape shape = ConvolutionShape.of(node, stored, doubled ? 2 : 1);
    ConvolutionPlan.Form form = plan.form(op, shape);
    long[] matrix = {shape.outChannels(), shape.inChannels()};
    switch (form) {
      case WINOGRAD4, WINOGRAD2 -> {
        String bias = bias(node);
        putPixels(
            target,
            new WinogradConvolution(
                    onnx,
                    form == ConvolutionPlan.Form.WINOGRAD4
                        ? WinogradTransform.F4
                        : WinogradTransform.F2,
                    op,
                    shape,
                    plan)
                .emit(
                    pixels(stored),
                    (first, count) -> kernelRows(node.operand(1), first, count),
                    addend.isPresent() ? onnx.add("Add", addend.get(), bias) : bias,
                    addend.isPresent()));
        return;
      }
      case MATRIX -> matrixConvolution(node, weight(node.operand(1), new Shape(matrix)));
      case MATRIX_AND_SHIFTS -> matrixAndShifts(node, op, shape);
      case DIRECT -> plain.put(node, direct(op, plain(image), plain(node.operand(1)), bias(node)));
    }
    if (addend.isPresent()) {
      addPerChannel(node, target, addend.get());
    }
  }

  /** A 1x1 convolution. */
  private void matrixConvolution(Node node, String weight) throws IOException {
    String bias = bias(node);
    putPixels(node, linear(node.operand(0), weight, bias));
  }

  /** A matrix product for each pixel. */
  private PixelRows linear(Node image, String weight, String bias) throws IOException {
    PixelRows x = pixels(image);
    return x.pieces().isEmpty()
        ? new StoredPixels(onnx, linear(rows(image), weight, bias), pixelCount(image))
        : StripedPixels.map(onnx, x, rows -> linear(rows, weight, bias));
  }

  private String linear(String x, String weight, String bias) {
    return onnx.call("Gemm", x, weight, bias).with("transB", 1).output();
  }

  private String direct(Op.Conv2d op, String image, String weight, String bias) {
    return onnx.call("Conv", image, weight, bias)
        .with("strides", new long[] {op.stride(), op.stride()})
        .with("pads", op.padTop(), op.padLeft(), op.padBottom(), op.padRight())
        .output();
  }

  /**
   * The products of each pixel with every kernel position make an image of few channels; a
   * convolution of zeros and ones shifts and sums them. What is as large as the input is never
   * made: the decoder's last image is 134 MB at 512x512.
   */
  private void matrixAndShifts(Node node, Op.Conv2d op, ConvolutionShape shape) throws IOException {
    Node image = node.operand(0);
    int positions = shape.kernelHeight() * shape.kernelWidth();
    int out = shape.outChannels();
    int products = positions * out;
    String weight =
        onnx.reshape(
            onnx.transpose(plain(node.operand(1)), 2, 3, 0, 1), products, shape.inChannels());
    String zero = onnx.floats(new long[] {products}, new float[products]);
    String rows = linear(image, weight, zero).all();
    float[] shifts = new float[out * products * positions];
    for (int channel = 0; channel < out; channel++) {
      for (int position = 0; position < positions; position++) {
        shifts[(channel * products + position * out + channel) * positions + position] = 1;
      }
    }
    long[] kernel = {out, products, shape.kernelHeight(), shape.kernelWidth()};
    String pixels =
        onnx.reshape(rows, image.dimension(0), image.dimension(2), image.dimension(3), products);
    plain.put(
        node,
        direct(op, onnx.transpose(pixels, 0, 3, 1, 2), onnx.floats(kernel, shifts), bias(node)));
  }

  /** A convolution's bias, or zeros where it has none. */
  private String bias(Node convolution) throws IOException {
    int channels = Math.toIntExact(convolution.dimension(1));
    return convolution.operands().size() == 3
        ? plain(convolution.operand(2))
        : onnx.floats(new long[] {channels}, new float[channels]);
  }

  private void addPerChannel(Node node) throws IOException {
    Node image = node.operand(0);
    String addend = plain(node.operand(1));
    if (convolutionsWithAddend.contains(image)) {
      convolution(image, node, Optional.of(addend));
    } else {
      addPerChannel(image, node, addend);
    }
  }

  private void addPerChannel(Node image, Node target, String addend) throws IOException {
    String sum =
        onnx.add(
            "Add",
            onnx.reshape(
                rows(image),
                image.dimension(0),
                image.dimension(2) * image.dimension(3),
                image.dimension(1)),
            onnx.reshape(addend, target.dimension(0), 1, target.dimension(1)));
    rows.put(target, onnx.reshape(sum, -1, target.dimension(1)));
  }

  /** Rows of a 3x3 kernel for some output channels, {@code [count * in, 9]}. */
  private String kernelRows(Node weight, int first, int count) throws IOException {
    long in = weight.dimension(1);
    Optional<WeightView> whole = WeightView.of(weight);
    if (whole.isPresent()) {
      WeightView part =
          new WeightView(
              whole.get().parameter(),
              whole.get().start() + first * in * 9,
              new Shape(count * in, 9));
      return weights.value(onnx, part);
    }
    String part =
        onnx.add(
            "Slice", plain(weight), onnx.longs(first), onnx.longs(first + count), onnx.longs(0));
    return onnx.reshape(part, count * in, 9);
  }

  private StripedPixels sum(StripedPixels image, Node addend) throws IOException {
    PixelRows other = pixels(addend);
    return new StripedPixels(
        onnx,
        image.pieces(),
        image.pieces().stream()
            .map(piece -> onnx.add("Add", image.range(piece), other.range(piece)))
            .toList());
  }

  // Normalisation.

  private void groupNorm(Node node, Op.GroupNorm norm) throws IOException {
    normalised.put(
        node,
        new NormalisedPixels(
            onnx,
            computed(node.operand(0)),
            node.dimension(0),
            node.dimension(2) * node.dimension(3),
            node.dimension(1),
            norm,
            plain(node.operand(1)),
            plain(node.operand(2)),
            plan.stripFloats()));
  }

  /**
   * ONNX Runtime's fast operator takes the variance as mean square less squared mean and gives NaN
   * where the mean is large; its exact one takes twice the time of this: the mean taken off, and
   * then the fast operator with nothing to skip.
   */
  private void layerNorm(Node node, Op.LayerNorm norm) throws IOException {
    long channels = node.dimension(-1);
    String x = onnx.reshape(body(node, 0), -1, 1, channels);
    String mean = onnx.call("ReduceMean", x).with("axes", new long[] {2}).output();
    String result =
        onnx.call(
                "SkipLayerNormalization",
                onnx.add("Sub", x, mean),
                onnx.floats(new long[] {1, 1, channels}, new float[Math.toIntExact(channels)]),
                plain(node.operand(1)),
                plain(node.operand(2)))
            .microsoft()
            .with("epsilon", norm.epsilon())
            .output();
    put(
        node,
        node.shape().dimension() == 1
            ? onnx.reshape(result, channels)
            : onnx.reshape(result, -1, channels));
  }

  // Everything else.

  private void linear(Node node) throws IOException {
    Node x = node.operand(0);
    String matrix =
        x.shape().dimension() == 1 ? onnx.reshape(plain(x), 1, x.dimension(0)) : rows(x);
    String weight = plain(node.operand(1));
    OnnxModelBuilder.Call gemm =
        node.operands().size() == 3
            ? onnx.call("Gemm", matrix, weight, plain(node.operand(2)))
            : onnx.call("Gemm", matrix, weight);
    String product = gemm.with("transB", 1).output();
    if (x.shape().dimension() == 1) {
      plain.put(node, onnx.reshape(product, node.dimension(0)));
    } else {
      rows.put(node, product);
    }
  }

  private void activate(Node node, Op.Activate activate) throws IOException {
    NormalisedPixels image = normalised.get(node.operand(0));
    if (image != null && !image.isActivated() && uses[node.operand(0).id()] == 1) {
      image.activate(activate.function());
      normalised.put(node, image);
    } else {
      put(node, FusedActivations.emit(onnx, body(node, 0), activate.function()));
    }
  }

  private void attention(Node node, Op.Attention attention) throws IOException {
    plain.put(
        node,
        onnx.call(
                "MultiHeadAttention",
                plain(node.operand(0)),
                plain(node.operand(1)),
                plain(node.operand(2)))
            .microsoft()
            .with("num_heads", attention.heads())
            .with("scale", attention.scale())
            .with("unidirectional", attention.causal() ? 1 : 0)
            .output());
  }

  private void sinusoidalEmbedding(Node node, Op.SinusoidalEmbedding embedding) throws IOException {
    float[] frequencies = embedding.frequencies();
    String angles =
        onnx.add(
            "Mul",
            onnx.reshape(plain(node.operand(0)), -1, 1),
            onnx.floats(new long[] {1, frequencies.length}, frequencies));
    String sine = onnx.add("Sin", angles);
    String cosine = onnx.add("Cos", angles);
    boolean cosineFirst = embedding.cosineFirst();
    put(
        node,
        onnx.call("Concat", cosineFirst ? cosine : sine, cosineFirst ? sine : cosine)
            .with("axis", 1)
            .output());
  }

  // Layouts. An image [batch, channels, height, width] is stored as pixels by channels, all other
  // values as they are; rows are either with the leading axes made one.

  /** The value in the layout in which element-wise operations take it. */
  private String body(Node node, int operand) throws IOException {
    Node x = node.operand(operand);
    return x.shape().dimension() == 1 ? plain(x) : rows(x);
  }

  private void put(Node node, String value) {
    (node.shape().dimension() == 1 ? plain : rows).put(node, value);
  }

  private String rows(Node node) throws IOException {
    String known = rows.get(node);
    if (known == null) {
      if (node.op() instanceof Op.UpsampleNearest2x) {
        known = upsample(node);
      } else if (normalised.containsKey(node)) {
        known = normalised.get(node).all();
      } else if (striped.containsKey(node)) {
        known = striped.get(node).all();
      } else {
        known = plain(node);
        if (node.shape().dimension() == 4) {
          known = onnx.transpose(known, 0, 2, 3, 1);
        }
        if (node.shape().dimension() != 2) {
          known = onnx.reshape(known, -1, storedShape(node)[node.shape().dimension() - 1]);
        }
      }
      rows.put(node, known);
    }
    return known;
  }

  private String plain(Node node) throws IOException {
    String known = plain.get(node);
    if (known == null) {
      Optional<WeightView> view = WeightView.of(node);
      if (view.isPresent()) {
        known = weights.value(onnx, view.get());
      } else {
        known = rows(node);
        if (node.shape().dimension() != 2) {
          known = onnx.reshape(known, storedShape(node));
        }
        if (node.shape().dimension() == 4) {
          known = onnx.transpose(known, 0, 3, 1, 2);
        }
      }
      plain.put(node, known);
    }
    return known;
  }

  private String weight(Node node, Shape shape) throws IOException {
    Optional<WeightView> view = WeightView.of(node);
    return view.isPresent()
        ? weights.value(onnx, view.get(), shape)
        : onnx.reshape(plain(node), shape.getShape());
  }

  /** An image for a convolution, not yet computed if that is its only use. */
  private PixelRows pixels(Node image) throws IOException {
    NormalisedPixels known = normalised.get(image);
    return known != null && uses[image.id()] == 1 ? known : computed(image);
  }

  private PixelRows computed(Node image) throws IOException {
    StripedPixels known = striped.get(image);
    return known != null ? known : new StoredPixels(onnx, rows(image), pixelCount(image));
  }

  private static long pixelCount(Node image) {
    return image.dimension(2) * image.dimension(3);
  }

  private void putPixels(Node node, PixelRows image) {
    if (image instanceof StripedPixels pieces) {
      striped.put(node, pieces);
    } else {
      rows.put(node, image.all());
    }
  }

  private String upsample(Node node) throws IOException {
    Node image = node.operand(0);
    int height = Math.toIntExact(image.dimension(2));
    int width = Math.toIntExact(image.dimension(3));
    int[] index = new int[Math.toIntExact(node.shape().size() / node.dimension(1))];
    int next = 0;
    for (int n = 0; n < image.dimension(0); n++) {
      for (int y = 0; y < 2 * height; y++) {
        for (int x = 0; x < 2 * width; x++) {
          index[next++] = (n * height + y / 2) * width + x / 2;
        }
      }
    }
    return onnx.add("Gather", rows(image), onnx.ints(new long[] {index.length}, index));
  }

  /** The value with all its axes, stored as rows are. */
  private String axesOf(Node node) throws IOException {
    return node.shape().dimension() <= 2
        ? plain(node)
        : onnx.reshape(rows(node), storedShape(node));
  }

  private void putAxes(Node node, String value) {
    if (node.shape().dimension() <= 2) {
      plain.put(node, value);
    } else {
      rows.put(node, onnx.reshape(value, -1, storedShape(node)[node.shape().dimension() - 1]));
    }
  }

  private static long[] storedShape(Node node) {
    long[] shape = node.shape().getShape().clone();
    return shape.length == 4 ? new long[] {shape[0], shape[2], shape[3], shape[1]} : shape;
  }

  private static int storedAxis(Node node, int axis) {
    return node.shape().dimension() == 4 ? new int[] {0, 3, 1, 2}[axis] : axis;
  }
}
