package io.shardlight.engines.onnxruntime;

import io.shardlight.diffusion.graph.Activation;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Computes a graph in double precision, loop by loop: slow, and plainly what each Op says. */
final class DoubleInterpreter {
  private final Map<Node, double[]> values = new HashMap<>();

  private DoubleInterpreter() {}

  /**
   * @param inputs by input name, row-major
   * @return the outputs in the graph's order
   */
  static List<double[]> run(
      Graph graph, Map<String, double[]> inputs, Map<String, float[]> parameters) {
    DoubleInterpreter interpreter = new DoubleInterpreter();
    for (Node node : graph.nodes()) {
      interpreter.values.put(node, interpreter.compute(node, inputs, parameters));
    }
    List<double[]> outputs = new ArrayList<>();
    graph.outputs().values().forEach(node -> outputs.add(interpreter.value(node)));
    return outputs;
  }

  private double[] value(Node node) {
    double[] value = values.get(node);
    if (value == null) {
      throw new IllegalStateException(node + " has not been computed");
    }
    return value;
  }

  private double[] compute(
      Node node, Map<String, double[]> inputs, Map<String, float[]> parameters) {
    Op op = node.op();
    if (op instanceof Op.Input input) {
      return present(inputs.get(input.name()), input.name());
    } else if (op instanceof Op.Parameter parameter) {
      float[] stored = present(parameters.get(parameter.name()), parameter.name());
      double[] exact = new double[stored.length];
      for (int i = 0; i < stored.length; i++) {
        exact[i] = stored[i];
      }
      return exact;
    } else if (op instanceof Op.Conv2d conv) {
      return convolution(node, conv);
    } else if (op instanceof Op.Linear) {
      return linear(node);
    } else if (op instanceof Op.GroupNorm norm) {
      return groupNorm(node, norm);
    } else if (op instanceof Op.LayerNorm norm) {
      return layerNorm(node, norm);
    } else if (op instanceof Op.Attention attention) {
      return attention(node, attention);
    } else if (op instanceof Op.Concat concat) {
      return concat(node, concat.axis());
    } else if (op instanceof Op.Embedding) {
      return embedding(node);
    } else if (op instanceof Op.SinusoidalEmbedding embedding) {
      return sinusoidalEmbedding(node, embedding);
    }
    double[] result = new double[Math.toIntExact(node.shape().size())];
    double[] x = value(node.operand(0));
    for (int i = 0; i < result.length; i++) {
      result[i] = element(node, op, x, i);
    }
    return result;
  }

  /** One element of an operation that moves elements or works on each alone. */
  private double element(Node node, Op op, double[] x, int i) {
    if (op instanceof Op.Activate activate) {
      return activate(activate.function(), x[i]);
    } else if (op instanceof Op.Add) {
      double[] y = value(node.operand(1));
      return x[i] + y[i % y.length];
    } else if (op instanceof Op.AddPerChannel) {
      return x[i] + value(node.operand(1))[i / (size(node, 2) * size(node, 3))];
    } else if (op instanceof Op.Multiply) {
      return x[i] * value(node.operand(1))[i];
    } else if (op instanceof Op.Scale scale) {
      return x[i] * scale.factor();
    } else if (op instanceof Op.Clamp clamp) {
      return Math.max(clamp.min(), Math.min(clamp.max(), x[i]));
    } else if (op instanceof Op.Slice slice) {
      int inner = 1;
      for (int axis = slice.axis() + 1; axis < node.shape().dimension(); axis++) {
        inner *= size(node, axis);
      }
      int length = size(node, slice.axis());
      int outer = i / inner / length;
      int at = i / inner % length + slice.start();
      return x[(outer * size(node.operand(0), slice.axis()) + at) * inner + i % inner];
    } else if (op instanceof Op.UpsampleNearest2x) {
      int width = size(node, 3);
      int height = size(node, 2);
      int row = i / width;
      int plane = row / height;
      return x[(plane * (height / 2) + row % height / 2) * (width / 2) + i % width / 2];
    } else if (op instanceof Op.FlattenSpatial) {
      int channels = size(node, 2);
      int pixels = size(node, 1);
      int pixel = i / channels % pixels;
      return x[(i / channels / pixels * channels + i % channels) * pixels + pixel];
    } else if (op instanceof Op.UnflattenSpatial) {
      int channels = size(node, 1);
      int pixels = size(node, 2) * size(node, 3);
      int channel = i / pixels % channels;
      return x[(i / pixels / channels * pixels + i % pixels) * channels + channel];
    }
    throw new IllegalStateException("no interpretation of " + op);
  }

  private double[] convolution(Node node, Op.Conv2d op) {
    double[] image = value(node.operand(0));
    double[] weight = value(node.operand(1));
    double[] bias = value(node.operand(2));
    int in = size(node.operand(0), 1);
    int height = size(node.operand(0), 2);
    int width = size(node.operand(0), 3);
    int kernelHeight = size(node.operand(1), 2);
    int kernelWidth = size(node.operand(1), 3);
    double[] result = new double[Math.toIntExact(node.shape().size())];
    for (int i = 0; i < result.length; i++) {
      int column = i % size(node, 3);
      int row = i / size(node, 3) % size(node, 2);
      int out = i / size(node, 3) / size(node, 2) % size(node, 1);
      int n = i / size(node, 3) / size(node, 2) / size(node, 1);
      double sum = bias[out];
      for (int channel = 0; channel < in; channel++) {
        for (int ky = 0; ky < kernelHeight; ky++) {
          for (int kx = 0; kx < kernelWidth; kx++) {
            int y = row * op.stride() + ky - op.padTop();
            int x = column * op.stride() + kx - op.padLeft();
            if (y >= 0 && y < height && x >= 0 && x < width) {
              sum +=
                  image[((n * in + channel) * height + y) * width + x]
                      * weight[((out * in + channel) * kernelHeight + ky) * kernelWidth + kx];
            }
          }
        }
      }
      result[i] = sum;
    }
    return result;
  }

  private double[] linear(Node node) {
    double[] x = value(node.operand(0));
    double[] weight = value(node.operand(1));
    int out = size(node.operand(1), 0);
    int in = size(node.operand(1), 1);
    double[] result = new double[Math.toIntExact(node.shape().size())];
    for (int i = 0; i < result.length; i++) {
      double sum = node.operands().size() == 3 ? value(node.operand(2))[i % out] : 0;
      for (int k = 0; k < in; k++) {
        sum += x[i / out * in + k] * weight[i % out * in + k];
      }
      result[i] = sum;
    }
    return result;
  }

  private double[] groupNorm(Node node, Op.GroupNorm norm) {
    double[] x = value(node.operand(0));
    int pixels = size(node, 2) * size(node, 3);
    int channels = size(node, 1);
    double[] result = normalise(x, channels / norm.groups() * pixels, norm.epsilon());
    for (int i = 0; i < result.length; i++) {
      int channel = i / pixels % channels;
      result[i] = result[i] * value(node.operand(1))[channel] + value(node.operand(2))[channel];
    }
    return result;
  }

  private double[] layerNorm(Node node, Op.LayerNorm norm) {
    int channels = size(node, node.shape().dimension() - 1);
    double[] result = normalise(value(node.operand(0)), channels, norm.epsilon());
    for (int i = 0; i < result.length; i++) {
      result[i] =
          result[i] * value(node.operand(1))[i % channels] + value(node.operand(2))[i % channels];
    }
    return result;
  }

  /** Each run of {@code length} elements with mean 0 and variance 1. */
  private static double[] normalise(double[] x, int length, double epsilon) {
    double[] result = new double[x.length];
    for (int start = 0; start < x.length; start += length) {
      double mean = 0;
      for (int i = start; i < start + length; i++) {
        mean += x[i] / length;
      }
      double variance = 0;
      for (int i = start; i < start + length; i++) {
        variance += (x[i] - mean) * (x[i] - mean) / length;
      }
      for (int i = start; i < start + length; i++) {
        result[i] = (x[i] - mean) / Math.sqrt(variance + epsilon);
      }
    }
    return result;
  }

  private double[] attention(Node node, Op.Attention op) {
    double[] query = value(node.operand(0));
    double[] key = value(node.operand(1));
    double[] value = value(node.operand(2));
    int batch = size(node, 0);
    int queries = size(node, 1);
    int keys = size(node.operand(1), 1);
    int channels = size(node, 2);
    int perHead = channels / op.heads();
    double[] result = new double[query.length];
    for (int n = 0; n < batch; n++) {
      for (int head = 0; head < op.heads(); head++) {
        for (int q = 0; q < queries; q++) {
          int seen = op.causal() ? q + 1 : keys;
          double[] scores = new double[seen];
          double max = Double.NEGATIVE_INFINITY;
          for (int k = 0; k < seen; k++) {
            for (int c = head * perHead; c < (head + 1) * perHead; c++) {
              scores[k] +=
                  query[(n * queries + q) * channels + c] * key[(n * keys + k) * channels + c];
            }
            scores[k] *= op.scale();
            max = Math.max(max, scores[k]);
          }
          double sum = 0;
          for (int k = 0; k < seen; k++) {
            scores[k] = Math.exp(scores[k] - max);
            sum += scores[k];
          }
          for (int c = head * perHead; c < (head + 1) * perHead; c++) {
            for (int k = 0; k < seen; k++) {
              result[(n * queries + q) * channels + c] +=
                  scores[k] / sum * value[(n * keys + k) * channels + c];
            }
          }
        }
      }
    }
    return result;
  }

  private double[] concat(Node node, int axis) {
    int inner = 1;
    for (int i = axis; i < node.shape().dimension(); i++) {
      inner *= size(node, i);
    }
    double[] result = new double[Math.toIntExact(node.shape().size())];
    int at = 0;
    for (Node operand : node.operands()) {
      int run = inner / size(node, axis) * size(operand, axis);
      double[] x = value(operand);
      for (int outer = 0; outer < x.length / run; outer++) {
        System.arraycopy(x, outer * run, result, outer * inner + at, run);
      }
      at += run;
    }
    return result;
  }

  private double[] embedding(Node node) {
    double[] table = value(node.operand(0));
    double[] ids = value(node.operand(1));
    int channels = size(node, 2);
    double[] result = new double[ids.length * channels];
    for (int i = 0; i < ids.length; i++) {
      System.arraycopy(
          table, Math.toIntExact((long) ids[i]) * channels, result, i * channels, channels);
    }
    return result;
  }

  private double[] sinusoidalEmbedding(Node node, Op.SinusoidalEmbedding op) {
    double[] timesteps = value(node.operand(0));
    int half = op.dimension() / 2;
    double[] result = new double[timesteps.length * op.dimension()];
    for (int n = 0; n < timesteps.length; n++) {
      for (int i = 0; i < half; i++) {
        double angle = timesteps[n] * Math.exp(-Math.log(10000) * i / (half - op.frequencyShift()));
        int row = n * op.dimension();
        result[row + i] = op.cosineFirst() ? Math.cos(angle) : Math.sin(angle);
        result[row + half + i] = op.cosineFirst() ? Math.sin(angle) : Math.cos(angle);
      }
    }
    return result;
  }

  private static double activate(Activation function, double x) {
    return switch (function) {
      case SILU -> x / (1 + Math.exp(-x));
      case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
      case GELU -> x * normalDistribution(x);
      case GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    };
  }

  /** {@code Phi(x)} by Simpson's rule on the density, 1e-12 exact where the tests look. */
  private static double normalDistribution(double x) {
    int steps = 2000;
    double h = x / steps;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
      double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * Math.exp(-0.5 * (i * h) * (i * h));
    }
    return 0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI);
  }

  private static int size(Node node, int axis) {
    return Math.toIntExact(node.dimension(axis));
  }

  private static <T> T present(@org.jspecify.annotations.Nullable T value, String name) {
    if (value == null) {
      throw new IllegalArgumentException("no value for \"" + name + "\"");
    }
    return value;
  }
}
