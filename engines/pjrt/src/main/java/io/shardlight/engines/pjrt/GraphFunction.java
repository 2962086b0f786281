package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import io.shardlight.engines.pjrt.HloFunction.Axes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a graph as a function in StableHLO. Its arguments are the parameters of the graph, in
 * their order, as {@link #parameterType} has them, then its inputs; its results are the graph's
 * outputs. Inputs and outputs have the graph's shapes and are float32, token ids 32-bit integers.
 *
 * <p>Inside, images are {@code [batch, height, width, channels]}: tensor cores and TPUs want
 * channels last, XLA on a CPU computes other convolutions in loops eighty times as slowly, and
 * images become tokens without being moved. Convolutions, matrix products and what passes between
 * operations are of the precision asked for; means, variances, softmax and nonlinearities are
 * computed in float32, as flax.linen does.
 */
final class GraphFunction {
  private final Graph graph;
  private final ElementType precision;
  private final AttentionForm attention;
  private final HloFunction hlo;

  /** By node id; of nodes of rank 4 the channels are last. Null for what has not been written. */
  private final @Nullable Value[] values;

  private GraphFunction(Graph graph, ElementType precision, AttentionForm attention, String name) {
    this.graph = graph;
    this.precision = precision;
    this.attention = attention;
    this.hlo = new HloFunction(name);
    this.values = new Value[graph.nodes().size()];
  }

  /**
   * @param precision {@code F32} or {@code BF16}
   * @param attention how it is computed where there is a choice
   * @param name of the function
   */
  static HloFunction write(
      Graph graph, ElementType precision, AttentionForm attention, String name) {
    return new GraphFunction(graph, precision, attention, name).write();
  }

  /** How a parameter is computed with: kernels of convolutions as {@code [h, w, in, out]}. */
  private static TensorType parameterType(Node parameter, ElementType precision) {
    Shape shape = parameter.shape();
    return shape.dimension() == 4
        ? TensorType.of(precision, shape.get(2), shape.get(3), shape.get(1), shape.get(0))
        : new TensorType(precision, shape);
  }

  private HloFunction write() {
    for (Node parameter : graph.parameters().values()) {
      values[parameter.id()] = hlo.argument(parameterType(parameter, precision));
    }
    for (Node input : graph.inputs()) {
      ElementType element = input.dataType() == DataType.INT64 ? ElementType.S32 : ElementType.F32;
      values[input.id()] = hlo.argument(new TensorType(element, input.shape()));
    }
    for (Node input : graph.inputs()) {
      values[input.id()] = channelsLast(operandOf(input));
    }
    for (Node node : graph.nodes()) {
      if (!(node.op() instanceof Op.Input || node.op() instanceof Op.Parameter)) {
        values[node.id()] = write(node);
      }
    }
    List<Value> results = new ArrayList<>();
    for (Map.Entry<String, Node> output : graph.outputs().entrySet()) {
      Value value = hlo.convert(operandOf(output.getValue()), ElementType.F32);
      results.add(value.rank() == 4 ? hlo.transpose(value, 0, 3, 1, 2) : value);
    }
    hlo.results(results);
    return hlo;
  }

  private Value channelsLast(Value value) {
    return value.rank() == 4 ? hlo.transpose(value, 0, 2, 3, 1) : value;
  }

  private Value operandOf(Node node) {
    Value value = values[node.id()];
    if (value == null) {
      throw new IllegalStateException(node + " has not been written");
    }
    return value;
  }

  /** An operand in the precision of the program. */
  private Value operand(Node node, int index) {
    return hlo.convert(operandOf(node.operand(index)), precision);
  }

  /** An operand in float32. */
  private Value exact(Node node, int index) {
    return hlo.convert(operandOf(node.operand(index)), ElementType.F32);
  }

  private Value rounded(Value value) {
    return hlo.convert(value, precision);
  }

  private Value write(Node node) {
    Op op = node.op();
    if (op instanceof Op.Conv2d conv) {
      Value image = hlo.convolution(operand(node, 0), operand(node, 1), conv);
      return node.operands().size() == 3
          ? hlo.add(image, along(operand(node, 2), image, 3))
          : image;
    } else if (op instanceof Op.Linear) {
      return linear(node);
    } else if (op instanceof Op.GroupNorm norm) {
      return groupNorm(node, norm);
    } else if (op instanceof Op.LayerNorm norm) {
      return layerNorm(node, norm);
    } else if (op instanceof Op.Activate activate) {
      return rounded(activate(exact(node, 0), activate));
    } else if (op instanceof Op.Add) {
      return add(node);
    } else if (op instanceof Op.AddPerChannel) {
      Value image = operand(node, 0);
      return hlo.add(image, along(operand(node, 1), image, 0, 3));
    } else if (op instanceof Op.Multiply) {
      return hlo.multiply(operand(node, 0), operand(node, 1));
    } else if (op instanceof Op.Scale scale) {
      return hlo.multiply(operand(node, 0), scale.factor());
    } else if (op instanceof Op.Clamp clamp) {
      return hlo.clamp(operand(node, 0), clamp.min(), clamp.max());
    } else if (op instanceof Op.Attention heads) {
      return attention(node, heads);
    } else if (op instanceof Op.Concat concat) {
      return hlo.concatenate(
          axis(node, concat.axis()), List.of(operand(node, 0), operand(node, 1)));
    } else if (op instanceof Op.PrependToken) {
      Shape first = new Shape(node.dimension(0), 1, node.dimension(2));
      Value token = hlo.broadcast(operand(node, 1), first, 2);
      return hlo.concatenate(1, List.of(token, operand(node, 0)));
    } else if (op instanceof Op.Slice slice) {
      return slice(node, slice);
    } else if (op instanceof Op.UpsampleNearest2x) {
      return upsample(operand(node, 0));
    } else if (op instanceof Op.FlattenSpatial) {
      return hlo.reshape(operand(node, 0), node.shape().getShape());
    } else if (op instanceof Op.UnflattenSpatial to) {
      return hlo.reshape(
          operand(node, 0), node.dimension(0), to.height(), to.width(), node.dimension(1));
    } else if (op instanceof Op.Embedding) {
      return hlo.rows(operand(node, 0), operandOf(node.operand(1)));
    } else if (op instanceof Op.SinusoidalEmbedding embedding) {
      return sinusoids(node, embedding);
    }
    throw new IllegalStateException("no StableHLO form of " + op);
  }

  /** Repeats a tensor to the shape of another, of which it has the given axes. */
  private Value along(Value x, Value like, int... axes) {
    return hlo.broadcast(x, like.type().shape(), axes);
  }

  /** Where an axis of the graph's lies here. */
  private static int axis(Node node, int axis) {
    return node.shape().dimension() == 4 ? new int[] {0, 3, 1, 2}[axis] : axis;
  }

  private Value linear(Node node) {
    Value x = operand(node, 0);
    Value weight = operand(node, 1);
    Value product = hlo.dot(x, weight, Axes.NONE, Axes.of(x.rank() - 1, 1), precision);
    return node.operands().size() == 3
        ? hlo.add(product, along(operand(node, 2), product, product.rank() - 1))
        : product;
  }

  private Value groupNorm(Node node, Op.GroupNorm norm) {
    Value image = exact(node, 0);
    long[] shape = image.type().shape().getShape();
    long channels = shape[3];
    Value grouped =
        hlo.reshape(image, shape[0], shape[1] * shape[2], norm.groups(), channels / norm.groups());
    Value unit = hlo.reshape(normalise(grouped, norm.epsilon(), new int[] {1, 3}, 0, 2), shape);
    return rounded(affine(unit, exact(node, 1), exact(node, 2), 3));
  }

  private Value layerNorm(Node node, Op.LayerNorm norm) {
    Value x = exact(node, 0);
    int last = x.rank() - 1;
    int[] kept = new int[last];
    for (int axis = 0; axis < last; axis++) {
      kept[axis] = axis;
    }
    Value unit = normalise(x, norm.epsilon(), new int[] {last}, kept);
    return rounded(affine(unit, exact(node, 1), exact(node, 2), last));
  }

  /** Mean 0 and variance 1 along some axes. */
  private Value normalise(Value x, float epsilon, int[] axes, int... kept) {
    long count = 1;
    for (int axis : axes) {
      count *= x.dimension(axis);
    }
    Value mean = hlo.multiply(hlo.reduce("add", 0, x, axes), 1.0 / count);
    Value centred = hlo.subtract(x, along(mean, x, kept));
    Value squares = hlo.reduce("add", 0, hlo.multiply(centred, centred), axes);
    Value variance = hlo.multiply(squares, 1.0 / count);
    Value factor = hlo.unary("rsqrt", hlo.binary("add", variance, epsilon));
    return hlo.multiply(centred, along(factor, x, kept));
  }

  private Value affine(Value x, Value weight, Value bias, int axis) {
    return hlo.add(hlo.multiply(x, along(weight, x, axis)), along(bias, x, axis));
  }

  private Value activate(Value x, Op.Activate activate) {
    return switch (activate.function()) {
      case SILU -> hlo.multiply(x, hlo.unary("logistic", x));
      case QUICK_GELU -> hlo.multiply(x, hlo.unary("logistic", hlo.multiply(x, 1.702f)));
      case GELU -> half(x, hlo.erf(hlo.multiply(x, Math.sqrt(0.5))));
      case GELU_TANH -> {
        Value cube = hlo.multiply(hlo.multiply(x, x), x);
        Value inner = hlo.add(x, hlo.multiply(cube, 0.044715f));
        yield half(x, hlo.unary("tanh", hlo.multiply(inner, Math.sqrt(2 / Math.PI))));
      }
    };
  }

  /** {@code 0.5 x (1 + y)}. */
  private Value half(Value x, Value y) {
    return hlo.multiply(hlo.multiply(x, hlo.binary("add", y, 1)), 0.5);
  }

  private Value add(Node node) {
    Value x = operand(node, 0);
    Value y = operand(node, 1);
    if (x.rank() == y.rank()) {
      return hlo.add(x, y);
    }
    // Of an image, the addend's axes are the last ones of [batch, channels, height, width].
    int missing = x.rank() - y.rank();
    int[] axes = new int[y.rank()];
    for (int i = 0; i < axes.length; i++) {
      axes[i] = axis(node, missing + i);
    }
    if (x.rank() == 4 && y.rank() == 3) {
      return hlo.add(x, along(hlo.transpose(y, 1, 2, 0), x, 1, 2, 3));
    }
    return hlo.add(x, along(y, x, axes));
  }

  /**
   * The scores and their softmax are float32 whatever the precision, and so is the sum of weighted
   * values before it is rounded.
   */
  private Value attention(Node node, Op.Attention op) {
    Value query = heads(operand(node, 0), op);
    Value key = heads(operand(node, 1), op);
    Value value = heads(operand(node, 2), op);
    if (attention.isFused(query, op.causal())) {
      Value mixed = CudnnAttention.write(hlo, query, key, value, op.scale());
      return hlo.reshape(mixed, node.shape().getShape());
    }
    Axes batchAndHeads = new Axes(List.of(0, 2), List.of(0, 2));
    Value scores = hlo.dot(query, key, batchAndHeads, Axes.of(3, 3), ElementType.F32);
    scores = hlo.multiply(scores, op.scale());
    if (op.causal()) {
      scores = hlo.add(scores, along(causalMask(node.dimension(1)), scores, 2, 3));
    }
    Value largest = hlo.reduce("maximum", Double.NEGATIVE_INFINITY, scores, 3);
    Value powers = hlo.unary("exponential", hlo.subtract(scores, along(largest, scores, 0, 1, 2)));
    Value sums = hlo.reduce("add", 0, powers, 3);
    Value weights = hlo.binary("divide", powers, along(sums, scores, 0, 1, 2));
    Value mixed =
        hlo.dot(
            rounded(weights),
            value,
            new Axes(List.of(0, 1), List.of(0, 2)),
            Axes.of(3, 1),
            precision);
    return hlo.reshape(hlo.transpose(mixed, 0, 2, 1, 3), node.shape().getShape());
  }

  private Value heads(Value x, Op.Attention op) {
    return hlo.reshape(x, x.dimension(0), x.dimension(1), op.heads(), x.dimension(2) / op.heads());
  }

  /** Zero where a query may look, the lowest float elsewhere; {@code [tokens, tokens]}. */
  private Value causalMask(long tokens) {
    TensorType positions = TensorType.of(ElementType.S32, tokens, tokens);
    Value seen = hlo.compare("GE", hlo.iota(positions, 0), hlo.iota(positions, 1));
    TensorType scores = positions.with(ElementType.F32);
    return hlo.select(seen, hlo.splat(scores, 0), hlo.splat(scores, -Float.MAX_VALUE));
  }

  private Value slice(Node node, Op.Slice slice) {
    Node from = node.operand(0);
    Value x = operand(node, 0);
    boolean kernel = from.op() instanceof Op.Parameter && x.rank() == 4;
    int axis = kernel ? new int[] {3, 2, 0, 1}[slice.axis()] : axis(node, slice.axis());
    return hlo.slice(x, axis, slice.start(), slice.end());
  }

  private Value upsample(Value image) {
    long[] s = image.type().shape().getShape();
    Value repeated = hlo.broadcast(image, new Shape(s[0], s[1], 2, s[2], 2, s[3]), 0, 1, 3, 5);
    return hlo.reshape(repeated, s[0], 2 * s[1], 2 * s[2], s[3]);
  }

  private Value sinusoids(Node node, Op.SinusoidalEmbedding embedding) {
    Value timesteps = exact(node, 0);
    Value frequencies = hlo.vector(ElementType.F32, doubles(embedding.frequencies()));
    Shape shape = new Shape(timesteps.dimension(0), frequencies.dimension(0));
    Value angles =
        hlo.multiply(hlo.broadcast(timesteps, shape, 0), hlo.broadcast(frequencies, shape, 1));
    Value sine = hlo.unary("sine", angles);
    Value cosine = hlo.unary("cosine", angles);
    return rounded(
        hlo.concatenate(
            1, embedding.cosineFirst() ? List.of(cosine, sine) : List.of(sine, cosine)));
  }

  private static double[] doubles(float[] floats) {
    double[] doubles = new double[floats.length];
    for (int i = 0; i < floats.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }
}
