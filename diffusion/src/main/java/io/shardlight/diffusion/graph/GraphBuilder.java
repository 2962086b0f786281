package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link Graph}, inferring and checking shapes at each operation. Not thread-safe.
 *
 * <p>Every method that takes operands of the wrong shape throws {@link ShapeMismatchException}
 * naming them and their shapes.
 */
public final class GraphBuilder {
  private final String name;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> parameters = new LinkedHashMap<>();
  private final Map<String, Node> inputs = new LinkedHashMap<>();
  private final Map<String, Node> outputs = new LinkedHashMap<>();
  private final Map<String, Node> labelled = new HashMap<>();

  /**
   * @param name the component, for messages: {@code unet}
   */
  public GraphBuilder(String name) {
    this.name = name;
  }

  /**
   * A tensor given at each run; float32 or int64.
   *
   * @throws IllegalArgumentException if the name is taken, or an axis is shorter than 1
   */
  public Node input(String inputName, DataType dataType, long... shape) {
    if (inputs.containsKey(inputName)) {
      throw new IllegalArgumentException(name + " has two inputs \"" + inputName + "\"");
    }
    if (Arrays.stream(shape).anyMatch(size -> size < 1)) {
      throw new IllegalArgumentException(
          String.format(
              "%s: every axis of input \"%s\" must be at least 1 long, but the shape is %s",
              name, inputName, new Shape(shape)));
    }
    Node node = add(new Op.Input(inputName), List.of(), new Shape(shape), dataType);
    inputs.put(inputName, node);
    return node;
  }

  /**
   * A weight of the checkpoint; asking again for the same name gives the same node.
   *
   * @throws ShapeMismatchException if it was asked for before with another shape
   */
  public Node parameter(String parameterName, long... shape) {
    Shape wanted = new Shape(shape);
    Node known = parameters.get(parameterName);
    if (known != null) {
      check(
          known.shape().equals(wanted),
          "parameter \"%s\" was %s before and is now asked for as %s",
          parameterName,
          known.shape(),
          wanted);
      return known;
    }
    Node node = add(new Op.Parameter(parameterName), List.of(), wanted, DataType.FLOAT32);
    parameters.put(parameterName, node);
    return node;
  }

  /**
   * Convolution with the same zero padding on all sides.
   *
   * @param image {@code [batch, in, height, width]}
   * @param weight {@code [out, in, kernelHeight, kernelWidth]}
   * @param bias {@code [out]}
   * @return {@code [batch, out, (height + 2 padding - kernel) / stride + 1, ...]}
   */
  public Node conv2d(Node image, Node weight, Node bias, int stride, int padding) {
    return conv2d(image, weight, bias, new Op.Conv2d(stride, padding, padding, padding, padding));
  }

  /** Convolution with a padding for each side. */
  public Node conv2d(Node image, Node weight, Node bias, Op.Conv2d op) {
    rank(op, image, 4);
    rank(op, weight, 4);
    check(
        image.dimension(1) == weight.dimension(1) && isVector(bias, weight.dimension(0)),
        "conv2d of image %s with weight %s and bias %s",
        image,
        weight,
        bias);
    return conv2d(image, weight, op, List.of(image, weight, bias));
  }

  /** Convolution without bias. */
  public Node conv2d(Node image, Node weight, Op.Conv2d op) {
    rank(op, image, 4);
    rank(op, weight, 4);
    check(
        image.dimension(1) == weight.dimension(1),
        "conv2d of image %s with weight %s",
        image,
        weight);
    return conv2d(image, weight, op, List.of(image, weight));
  }

  private Node conv2d(Node image, Node weight, Op.Conv2d op, List<Node> operands) {
    long paddedHeight = op.padTop() + image.dimension(2) + op.padBottom();
    long paddedWidth = op.padLeft() + image.dimension(3) + op.padRight();
    check(
        weight.dimension(2) <= paddedHeight && weight.dimension(3) <= paddedWidth,
        "conv2d kernel %s is larger than the image %s",
        weight,
        image);
    long height = (paddedHeight - weight.dimension(2)) / op.stride() + 1;
    long width = (paddedWidth - weight.dimension(3)) / op.stride() + 1;
    return add(
        op,
        operands,
        new Shape(image.dimension(0), weight.dimension(0), height, width),
        DataType.FLOAT32);
  }

  /**
   * {@code x W^T + b} over the last axis.
   *
   * @param x {@code [..., in]}
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}
   * @return {@code [..., out]}
   */
  public Node linear(Node x, Node weight, Node bias) {
    check(isVector(bias, weight.dimension(0)), "linear with weight %s and bias %s", weight, bias);
    return linear(x, weight, List.of(x, weight, bias));
  }

  /** {@code x W^T} over the last axis. */
  public Node linear(Node x, Node weight) {
    return linear(x, weight, List.of(x, weight));
  }

  private Node linear(Node x, Node weight, List<Node> operands) {
    rank(new Op.Linear(), weight, 2);
    check(x.dimension(-1) == weight.dimension(1), "linear of %s with weight %s", x, weight);
    long[] shape = x.shape().getShape().clone();
    shape[shape.length - 1] = weight.dimension(0);
    return add(new Op.Linear(), operands, new Shape(shape), DataType.FLOAT32);
  }

  /**
   * @param image {@code [batch, channels, height, width]}
   * @param weight {@code [channels]}
   * @param bias {@code [channels]}
   */
  public Node groupNorm(Node image, Node weight, Node bias, int groups, float epsilon) {
    Op.GroupNorm op = new Op.GroupNorm(groups, epsilon);
    rank(op, image, 4);
    long channels = image.dimension(1);
    check(
        groups > 0
            && channels % groups == 0
            && isVector(weight, channels)
            && isVector(bias, channels),
        "groupNorm of image %s in %s groups with weight %s and bias %s",
        image,
        groups,
        weight,
        bias);
    return add(op, List.of(image, weight, bias), image.shape(), DataType.FLOAT32);
  }

  /**
   * @param x {@code [..., channels]}
   * @param weight {@code [channels]}
   * @param bias {@code [channels]}
   */
  public Node layerNorm(Node x, Node weight, Node bias, float epsilon) {
    check(
        isVector(weight, x.dimension(-1)) && isVector(bias, x.dimension(-1)),
        "layerNorm of %s with weight %s and bias %s",
        x,
        weight,
        bias);
    return add(new Op.LayerNorm(epsilon), List.of(x, weight, bias), x.shape(), DataType.FLOAT32);
  }

  public Node activate(Node x, Activation function) {
    return add(new Op.Activate(function), List.of(x), x.shape(), DataType.FLOAT32);
  }

  /**
   * @param addend shape of {@code x}, or its trailing axes
   */
  public Node add(Node x, Node addend) {
    int missing = x.shape().dimension() - addend.shape().dimension();
    check(
        missing >= 0 && x.shape().slice(missing).equals(addend.shape()),
        "add of %s and %s",
        x,
        addend);
    return add(new Op.Add(), List.of(x, addend), x.shape(), DataType.FLOAT32);
  }

  /**
   * @param image {@code [batch, channels, height, width]}
   * @param addend {@code [batch, channels]}
   */
  public Node addPerChannel(Node image, Node addend) {
    Op op = new Op.AddPerChannel();
    rank(op, image, 4);
    check(
        addend.shape().equals(new Shape(image.dimension(0), image.dimension(1))),
        "addPerChannel of image %s and %s",
        image,
        addend);
    return add(op, List.of(image, addend), image.shape(), DataType.FLOAT32);
  }

  public Node multiply(Node x, Node y) {
    check(x.shape().equals(y.shape()), "multiply of %s and %s", x, y);
    return add(new Op.Multiply(), List.of(x, y), x.shape(), DataType.FLOAT32);
  }

  public Node scale(Node x, float factor) {
    return add(new Op.Scale(factor), List.of(x), x.shape(), DataType.FLOAT32);
  }

  public Node clamp(Node x, float min, float max) {
    check(min <= max, "clamp of %s to [%s, %s]", x, min, max);
    return add(new Op.Clamp(min, max), List.of(x), x.shape(), DataType.FLOAT32);
  }

  /**
   * Multi-head attention, without projections.
   *
   * @param query {@code [batch, queries, channels]}
   * @param key {@code [batch, keys, channels]}
   * @param value shape of {@code key}
   * @param scale factor on the scores, {@code 1/sqrt(channels/heads)} as a rule
   * @return {@code [batch, queries, channels]}
   */
  public Node attention(Node query, Node key, Node value, int heads, float scale, boolean causal) {
    Op.Attention op = new Op.Attention(heads, scale, causal);
    rank(op, query, 3);
    rank(op, key, 3);
    check(
        key.shape().equals(value.shape())
            && query.dimension(0) == key.dimension(0)
            && query.dimension(2) == key.dimension(2)
            && heads > 0
            && query.dimension(2) % heads == 0
            && (!causal || query.dimension(1) == key.dimension(1)),
        "attention with %s heads of query %s, key %s, value %s",
        heads,
        query,
        key,
        value);
    return add(op, List.of(query, key, value), query.shape(), DataType.FLOAT32);
  }

  /** Joins two tensors that differ in one axis only. */
  public Node concat(Node first, Node second, int axis) {
    long[] a = first.shape().getShape().clone();
    long[] b = second.shape().getShape().clone();
    check(a.length == b.length && axis >= 0 && axis < a.length, "concat of %s, %s", first, second);
    a[axis] += b[axis];
    b[axis] = a[axis];
    check(
        new Shape(a).equals(new Shape(b)),
        "concat of %s and %s along axis %s",
        first,
        second,
        axis);
    return add(new Op.Concat(axis), List.of(first, second), new Shape(a), DataType.FLOAT32);
  }

  /**
   * @param tokens {@code [batch, tokens, channels]}
   * @param token {@code [channels]}, the same for the whole batch
   * @return {@code [batch, 1 + tokens, channels]}
   */
  public Node prependToken(Node tokens, Node token) {
    Op op = new Op.PrependToken();
    rank(op, tokens, 3);
    check(isVector(token, tokens.dimension(2)), "prependToken of tokens %s and %s", tokens, token);
    return add(
        op,
        List.of(tokens, token),
        new Shape(tokens.dimension(0), 1 + tokens.dimension(1), tokens.dimension(2)),
        DataType.FLOAT32);
  }

  /** The elements {@code [start, end)} along an axis; of a parameter too. */
  public Node slice(Node x, int axis, long start, long end) {
    check(axis >= 0 && axis < x.shape().dimension(), "slice of %s along axis %s", x, axis);
    check(
        start >= 0 && start < end && end <= x.dimension(axis),
        "slice [%s, %s) of %s along axis %s",
        start,
        end,
        x,
        axis);
    long[] shape = x.shape().getShape().clone();
    shape[axis] = end - start;
    return add(
        new Op.Slice(axis, Math.toIntExact(start), Math.toIntExact(end)),
        List.of(x),
        new Shape(shape),
        x.dataType());
  }

  /** Doubles height and width of an image. */
  public Node upsampleNearest2x(Node image) {
    Op op = new Op.UpsampleNearest2x();
    rank(op, image, 4);
    return add(
        op,
        List.of(image),
        new Shape(
            image.dimension(0), image.dimension(1), 2 * image.dimension(2), 2 * image.dimension(3)),
        DataType.FLOAT32);
  }

  /** Image {@code [batch, channels, h, w]} to tokens {@code [batch, h*w, channels]}. */
  public Node flattenSpatial(Node image) {
    Op op = new Op.FlattenSpatial();
    rank(op, image, 4);
    return add(
        op,
        List.of(image),
        new Shape(image.dimension(0), image.dimension(2) * image.dimension(3), image.dimension(1)),
        DataType.FLOAT32);
  }

  /** Tokens {@code [batch, height*width, channels]} to image. */
  public Node unflattenSpatial(Node tokens, long height, long width) {
    Op op = new Op.UnflattenSpatial(Math.toIntExact(height), Math.toIntExact(width));
    rank(op, tokens, 3);
    check(
        tokens.dimension(1) == height * width,
        "unflattenSpatial of %s to %s x %s",
        tokens,
        height,
        width);
    return add(
        op,
        List.of(tokens),
        new Shape(tokens.dimension(0), tokens.dimension(2), height, width),
        DataType.FLOAT32);
  }

  /**
   * @param table {@code [vocabulary, channels]}
   * @param ids int64 {@code [batch, tokens]}
   * @return {@code [batch, tokens, channels]}
   */
  public Node embedding(Node table, Node ids) {
    Op op = new Op.Embedding();
    rank(op, table, 2);
    rank(op, ids, 2);
    check(ids.dataType() == DataType.INT64, "embedding ids %s must be int64", ids);
    return add(
        op,
        List.of(table, ids),
        new Shape(ids.dimension(0), ids.dimension(1), table.dimension(1)),
        DataType.FLOAT32);
  }

  /**
   * @param timesteps float32 {@code [batch]}
   * @return {@code [batch, dimension]}
   */
  public Node sinusoidalEmbedding(
      Node timesteps, int dimension, boolean cosineFirst, float frequencyShift) {
    Op op = new Op.SinusoidalEmbedding(dimension, cosineFirst, frequencyShift);
    rank(op, timesteps, 1);
    check(dimension > 0 && dimension % 2 == 0, "sinusoidalEmbedding of odd size %s", dimension);
    return add(
        op, List.of(timesteps), new Shape(timesteps.dimension(0), dimension), DataType.FLOAT32);
  }

  /**
   * Gives a node the name of the PyTorch module whose output it is, and returns the node. Where
   * modules share an output (a block and its last layer), name the innermost first.
   *
   * @throws IllegalArgumentException if another node has the name
   */
  public Node label(String label, Node node) {
    Node known = labelled.putIfAbsent(label, node);
    if (known != null) {
      throw new IllegalArgumentException(name + " has two nodes \"" + label + "\"");
    }
    node.addLabel(label);
    return node;
  }

  /** Adds a named output. */
  public void output(String outputName, Node node) {
    if (outputs.put(outputName, node) != null) {
      throw new IllegalArgumentException(name + " has two outputs \"" + outputName + "\"");
    }
  }

  /**
   * @throws IllegalStateException if there is no output
   */
  public Graph build() {
    if (outputs.isEmpty()) {
      throw new IllegalStateException(name + " has no output");
    }
    return new Graph(name, nodes, outputs);
  }

  private Node add(Op op, List<Node> operands, Shape shape, DataType dataType) {
    for (Node operand : operands) {
      if (operand.id() >= nodes.size() || nodes.get(operand.id()) != operand) {
        throw new IllegalArgumentException(operand + " belongs to another graph than " + name);
      }
    }
    if (!(op instanceof Op.Embedding || op instanceof Op.Slice)) {
      for (Node operand : operands) {
        check(
            operand.dataType() == DataType.FLOAT32,
            "%s computes float32, but %s is %s",
            op.getClass().getSimpleName(),
            operand,
            operand.dataType());
      }
    }
    Node node = new Node(nodes.size(), op, operands, shape, dataType);
    nodes.add(node);
    return node;
  }

  private void rank(Op op, Node node, int rank) {
    check(
        node.shape().dimension() == rank,
        "%s needs an operand of rank %s, but %s has rank %s",
        op.getClass().getSimpleName(),
        rank,
        node,
        node.shape().dimension());
  }

  private static boolean isVector(Node node, long size) {
    return node.shape().dimension() == 1 && node.dimension(0) == size;
  }

  @FormatMethod
  private void check(boolean holds, @FormatString String format, @Nullable Object... arguments) {
    if (!holds) {
      throw new ShapeMismatchException(
          name + ": shapes do not fit: " + String.format(format, arguments));
    }
  }
}
