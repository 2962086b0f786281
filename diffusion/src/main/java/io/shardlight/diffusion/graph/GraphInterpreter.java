package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.Shape;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What the operations mean: evaluates graphs in double arithmetic by plain loops, one operation
 * after the other. Slow, and independent of every engine, so that the tests of each {@link
 * Lowering} are judged by it; no program of a pipeline uses it. Thread-safe.
 */
public final class GraphInterpreter {
  private final Graph graph;
  private final ParameterSource parameters;

  public GraphInterpreter(Graph graph, ParameterSource parameters) {
    this.graph = graph;
    this.parameters = parameters;
  }

  /**
   * @param inputs each input's elements in row-major order, token ids too
   * @return each output's elements in row-major order
   */
  public Map<String, double[]> run(Map<String, double[]> inputs) {
    List<double[]> values = new ArrayList<>();
    int[] uses = graph.useCounts();
    for (Node node : graph.nodes()) {
      double[] value = evaluate(node, inputs, values);
      if (value.length != size(node)) {
        throw new IllegalStateException(node + " has " + value.length + " elements");
      }
      values.add(value);
      for (Node operand : node.operands()) {
        if (--uses[operand.id()] == 0) {
          values.set(operand.id(), new double[0]);
        }
      }
    }
    Map<String, double[]> outputs = new LinkedHashMap<>();
    graph.outputs().forEach((name, node) -> outputs.put(name, values.get(node.id())));
    return outputs;
  }

  private double[] evaluate(Node node, Map<String, double[]> inputs, List<double[]> values) {
    Op op = node.op();
    if (op instanceof Op.Input input) {
      double[] given = inputs.get(input.name());
      if (given == null) {
        throw new IllegalArgumentException("no input " + input.name());
      }
      return given;
    } else if (op instanceof Op.Parameter parameter) {
      return read(parameters.get(parameter.name()));
    }
    double[] x = values.get(node.operand(0).id());
    if (op instanceof Op.Conv2d conv) {
      return conv2d(conv, node, x, operand(node, 1, values), bias(node, 1, values));
    } else if (op instanceof Op.Linear) {
      return linear(x, operand(node, 1, values), bias(node, -1, values));
    } else if (op instanceof Op.GroupNorm norm) {
      int plane = (int) (node.dimension(2) * node.dimension(3));
      int group = (int) node.dimension(1) / norm.groups() * plane;
      double[] unit = normalise(x, group, norm.epsilon());
      return affine(unit, operand(node, 1, values), operand(node, 2, values), plane);
    } else if (op instanceof Op.LayerNorm norm) {
      double[] unit = normalise(x, (int) node.dimension(-1), norm.epsilon());
      return affine(unit, operand(node, 1, values), operand(node, 2, values), 1);
    } else if (op instanceof Op.Activate activate) {
      return map(x, function(activate.function()));
    } else if (op instanceof Op.Add) {
      double[] y = operand(node, 1, values);
      return fill(x.length, i -> x[i] + y[i % y.length]);
    } else if (op instanceof Op.AddPerChannel) {
      double[] y = operand(node, 1, values);
      int plane = (int) (node.dimension(2) * node.dimension(3));
      return fill(x.length, i -> x[i] + y[i / plane]);
    } else if (op instanceof Op.Multiply) {
      double[] y = operand(node, 1, values);
      return fill(x.length, i -> x[i] * y[i]);
    } else if (op instanceof Op.Scale scale) {
      return map(x, v -> v * scale.factor());
    } else if (op instanceof Op.Clamp clamp) {
      return map(x, v -> Math.max(clamp.min(), Math.min(clamp.max(), v)));
    } else if (op instanceof Op.Attention attention) {
      return attention(attention, node, x, operand(node, 1, values), operand(node, 2, values));
    } else if (op instanceof Op.Concat concat) {
      return concat(node, concat.axis(), x, operand(node, 1, values));
    } else if (op instanceof Op.PrependToken) {
      double[] token = operand(node, 1, values);
      int sequence = (int) (node.dimension(1) * node.dimension(2));
      int before = sequence - token.length;
      return fill(
          size(node),
          i -> {
            int at = i % sequence - token.length;
            return at < 0 ? token[at + token.length] : x[i / sequence * before + at];
          });
    } else if (op instanceof Op.Slice slice) {
      return slice(node.operand(0).shape(), slice, x);
    } else if (op instanceof Op.UpsampleNearest2x) {
      int width = (int) node.dimension(3);
      int height = (int) node.dimension(2);
      return fill(
          4 * x.length,
          i -> {
            int row = i / width;
            int plane = row / height;
            return x[(plane * (height / 2) + row % height / 2) * (width / 2) + i % width / 2];
          });
    } else if (op instanceof Op.FlattenSpatial) {
      return transpose(x, (int) node.dimension(2), (int) node.dimension(1));
    } else if (op instanceof Op.UnflattenSpatial) {
      int channels = (int) node.dimension(1);
      return transpose(x, (int) (node.dimension(2) * node.dimension(3)), channels);
    } else if (op instanceof Op.Embedding) {
      double[] ids = operand(node, 1, values);
      int width = (int) node.dimension(-1);
      return fill(ids.length * width, i -> x[((int) ids[i / width]) * width + i % width]);
    } else if (op instanceof Op.SinusoidalEmbedding embedding) {
      return sinusoids(embedding, x);
    }
    throw new IllegalStateException("unknown operation " + op);
  }

  private static double[] conv2d(
      Op.Conv2d conv, Node node, double[] image, double[] weight, double[] bias) {
    Shape in = node.operand(0).shape();
    Shape kernel = node.operand(1).shape();
    int channels = (int) in.get(1);
    int inHeight = (int) in.get(2);
    int inWidth = (int) in.get(3);
    int outChannels = (int) node.dimension(1);
    int height = (int) node.dimension(2);
    int width = (int) node.dimension(3);
    int kernelHeight = (int) kernel.get(2);
    int kernelWidth = (int) kernel.get(3);
    int stride = conv.stride();
    double[] result = new double[size(node)];
    IntStream.range(0, (int) node.dimension(0) * outChannels)
        .parallel()
        .forEach(
            plane -> {
              int outChannel = plane % outChannels;
              int image0 = plane / outChannels * channels * inHeight * inWidth;
              int result0 = plane * height * width;
              Arrays.fill(result, result0, result0 + height * width, bias[outChannel]);
              for (int k = 0; k < channels * kernelHeight * kernelWidth; k++) {
                double w = weight[outChannel * channels * kernelHeight * kernelWidth + k];
                int dx = k % kernelWidth - conv.padLeft();
                int dy = k / kernelWidth % kernelHeight - conv.padTop();
                int channel0 = image0 + k / (kernelWidth * kernelHeight) * inHeight * inWidth;
                int first = firstInside(dx, stride);
                int last = Math.min(width, endInside(dx, stride, inWidth));
                int lastRow = Math.min(height, endInside(dy, stride, inHeight));
                for (int y = firstInside(dy, stride); y < lastRow; y++) {
                  int from = channel0 + (y * stride + dy) * inWidth + dx;
                  int to = result0 + y * width;
                  if (stride == 1) {
                    for (int i = first; i < last; i++) {
                      result[to + i] += w * image[from + i];
                    }
                  } else {
                    for (int i = first; i < last; i++) {
                      result[to + i] += w * image[from + i * stride];
                    }
                  }
                }
              }
            });
    return result;
  }

  /** The first output position whose input position {@code stride * i + offset} is not negative. */
  private static int firstInside(int offset, int stride) {
    return Math.max(0, Math.floorDiv(stride - 1 - offset, stride));
  }

  /** The first output position whose input position is {@code size} or more. */
  private static int endInside(int offset, int stride, int size) {
    return Math.floorDiv(size - 1 - offset, stride) + 1;
  }

  private static double[] linear(double[] x, double[] weight, double[] bias) {
    int out = bias.length;
    int in = weight.length / out;
    return fill(
        x.length / in * out,
        i -> {
          int row = i / out * in;
          int column = i % out * in;
          double sum = bias[i % out];
          for (int k = 0; k < in; k++) {
            sum += x[row + k] * weight[column + k];
          }
          return sum;
        });
  }

  /** Mean 0 and variance 1 in each run of {@code group} elements. */
  private static double[] normalise(double[] x, int group, double epsilon) {
    double[] result = new double[x.length];
    for (int start = 0; start < x.length; start += group) {
      double sum = 0;
      for (int i = start; i < start + group; i++) {
        sum += x[i];
      }
      double mean = sum / group;
      double squares = 0;
      for (int i = start; i < start + group; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
      }
      double factor = 1 / Math.sqrt(squares / group + epsilon);
      for (int i = start; i < start + group; i++) {
        result[i] = (x[i] - mean) * factor;
      }
    }
    return result;
  }

  private static double[] affine(double[] x, double[] weight, double[] bias, int plane) {
    return fill(
        x.length,
        i -> {
          int channel = i / plane % weight.length;
          return x[i] * weight[channel] + bias[channel];
        });
  }

  private static DoubleUnaryOperator function(Activation activation) {
    return switch (activation) {
      case SILU -> x -> x / (1 + Math.exp(-x));
      case GELU -> x -> x * 0.5 * (1 + erf(x / Math.sqrt(2)));
      case GELU_TANH ->
          x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case QUICK_GELU -> x -> x / (1 + Math.exp(-1.702 * x));
    };
  }

  /** Abramowitz and Stegun, equation 7.1.6: all terms have one sign, so none cancel. */
  static double erf(double x) {
    if (Math.abs(x) > 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      term *= 2 * x * x / (2 * k + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  private static double[] attention(
      Op.Attention attention, Node node, double[] query, double[] key, double[] value) {
    int queries = (int) node.dimension(1);
    int width = (int) node.dimension(2);
    int keys = (int) node.operand(1).dimension(1);
    int head = width / attention.heads();
    double[] result = new double[query.length];
    IntStream.range(0, query.length / head)
        .parallel()
        .forEach(
            i -> {
              int token = i / attention.heads();
              int q = i * head;
              int k0 = token / queries * keys * width + i % attention.heads() * head;
              int seen = attention.causal() ? token % queries + 1 : keys;
              double[] scores = new double[seen];
              double max = Double.NEGATIVE_INFINITY;
              for (int k = 0; k < seen; k++) {
                double score = 0;
                for (int d = 0; d < head; d++) {
                  score += query[q + d] * key[k0 + k * width + d];
                }
                scores[k] = score * attention.scale();
                max = Math.max(max, scores[k]);
              }
              double sum = 0;
              for (int k = 0; k < seen; k++) {
                scores[k] = Math.exp(scores[k] - max);
                sum += scores[k];
              }
              for (int k = 0; k < seen; k++) {
                for (int d = 0; d < head; d++) {
                  result[q + d] += scores[k] / sum * value[k0 + k * width + d];
                }
              }
            });
    return result;
  }

  private static double[] concat(Node node, int axis, double[] first, double[] second) {
    int outer = product(node.shape(), 0, axis);
    int a = first.length / outer;
    int b = second.length / outer;
    double[] result = new double[first.length + second.length];
    for (int i = 0; i < outer; i++) {
      System.arraycopy(first, i * a, result, i * (a + b), a);
      System.arraycopy(second, i * b, result, i * (a + b) + a, b);
    }
    return result;
  }

  private static double[] slice(Shape shape, Op.Slice slice, double[] x) {
    int outer = product(shape, 0, slice.axis());
    int inner = product(shape, slice.axis() + 1, shape.dimension());
    int run = (slice.end() - slice.start()) * inner;
    double[] result = new double[outer * run];
    for (int i = 0; i < outer; i++) {
      int from = (i * (int) shape.get(slice.axis()) + slice.start()) * inner;
      System.arraycopy(x, from, result, i * run, run);
    }
    return result;
  }

  /** Swaps the last two axes, which become {@code [rows, columns]}. */
  private static double[] transpose(double[] x, int columns, int rows) {
    int matrix = columns * rows;
    return fill(
        x.length,
        i -> {
          int inMatrix = i % matrix;
          return x[i - inMatrix + inMatrix % columns * rows + inMatrix / columns];
        });
  }

  /**
   * Frequencies and angles are rounded to float32, as both references do; at timestep 981 that
   * moves an angle by up to 3e-5.
   */
  private static double[] sinusoids(Op.SinusoidalEmbedding embedding, double[] timesteps) {
    int half = embedding.dimension() / 2;
    double[] result = new double[timesteps.length * embedding.dimension()];
    for (int n = 0; n < timesteps.length; n++) {
      for (int i = 0; i < half; i++) {
        double exponent = -Math.log(10000) * i / (half - embedding.frequencyShift());
        float angle = (float) timesteps[n] * (float) Math.exp((float) exponent);
        int start = n * embedding.dimension() + i;
        result[start + (embedding.cosineFirst() ? half : 0)] = Math.sin(angle);
        result[start + (embedding.cosineFirst() ? 0 : half)] = Math.cos(angle);
      }
    }
    return result;
  }

  /** The third operand, or zeros where there is none; one element for each along an axis. */
  private static double[] bias(Node node, int axis, List<double[]> values) {
    return node.operands().size() == 3
        ? operand(node, 2, values)
        : new double[(int) node.dimension(axis)];
  }

  private static double[] operand(Node node, int index, List<double[]> values) {
    return values.get(node.operand(index).id());
  }

  private static double[] read(ParameterData data) {
    float[] floats = new float[Math.toIntExact(data.shape().size())];
    data.read(0, FloatBuffer.wrap(floats));
    return fill(floats.length, i -> floats[i]);
  }

  private static int size(Node node) {
    return Math.toIntExact(node.shape().size());
  }

  private static int product(Shape shape, int fromAxis, int toAxis) {
    int product = 1;
    for (int axis = fromAxis; axis < toAxis; axis++) {
      product *= (int) shape.get(axis);
    }
    return product;
  }

  private static double[] map(double[] x, DoubleUnaryOperator function) {
    return fill(x.length, i -> function.applyAsDouble(x[i]));
  }

  private static double[] fill(int size, IntToDoubleFunction element) {
    double[] result = new double[size];
    IntStream.range(0, size).parallel().forEach(i -> result[i] = element.applyAsDouble(i));
    return result;
  }
}
