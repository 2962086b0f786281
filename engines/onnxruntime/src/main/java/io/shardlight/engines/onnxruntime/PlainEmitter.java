package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.ModelProto;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * The graph operation by operation in standard ONNX, NCHW, as an exporter would write it: what the
 * fused form is measured against and checked with, and what runs on a GPU, in float16 if asked for.
 * Inputs and outputs of the program are float32 always.
 */
final class PlainEmitter implements Emitter {
  private final Graph graph;
  private final WeightInitializers weights;
  private final OnnxModelBuilder onnx;
  private final Map<Node, String> values = new HashMap<>();

  /**
   * @param precision of all values between inputs and outputs: float32 or float16
   */
  PlainEmitter(Graph graph, WeightInitializers weights, DataType precision) {
    this.graph = graph;
    this.weights = weights;
    this.onnx = new OnnxModelBuilder(graph.name(), precision);
  }

  @Override
  public ModelProto emit() throws IOException {
    for (Node node : graph.nodes()) {
      onnx.scope(node.label());
      if (node.op() instanceof Op.Input input) {
        onnx.input(input.name(), node.dataType(), node.shape());
        values.put(
            node, node.dataType() == DataType.FLOAT32 ? inPrecision(input.name()) : input.name());
      } else if (WeightView.of(node).isEmpty()) {
        values.put(node, emit(node));
      }
    }
    for (Map.Entry<String, Node> output : graph.outputs().entrySet()) {
      Node node = output.getValue();
      String value = value(node);
      onnx.output(
          output.getKey(),
          node.dataType(),
          node.shape(),
          isFloat32() ? value : onnx.convert(value, DataType.FLOAT32));
    }
    return onnx.build();
  }

  private boolean isFloat32() {
    return onnx.precision() == DataType.FLOAT32;
  }

  private String inFloat32(String value) {
    return isFloat32() ? value : onnx.convert(value, DataType.FLOAT32);
  }

  private String inPrecision(String float32) {
    return isFloat32() ? float32 : onnx.convert(float32, onnx.precision());
  }

  private String emit(Node node) throws IOException {
    Op op = node.op();
    if (op instanceof Op.Conv2d conv) {
      OnnxModelBuilder.Call call =
          node.operands().size() == 3
              ? onnx.call("Conv", value(node, 0), value(node, 1), value(node, 2))
              : onnx.call("Conv", value(node, 0), value(node, 1));
      return call.with("strides", new long[] {conv.stride(), conv.stride()})
          .with("pads", conv.padTop(), conv.padLeft(), conv.padBottom(), conv.padRight())
          .output();
    } else if (op instanceof Op.Linear) {
      return linear(node);
    } else if (op instanceof Op.GroupNorm norm) {
      return groupNorm(node, norm);
    } else if (op instanceof Op.LayerNorm norm) {
      return onnx.call("LayerNormalization", value(node, 0), value(node, 1), value(node, 2))
          .with("axis", -1)
          .with("epsilon", norm.epsilon())
          .output();
    } else if (op instanceof Op.Activate activate) {
      return activate(value(node, 0), activate);
    } else if (op instanceof Op.Add) {
      return onnx.add("Add", value(node, 0), value(node, 1));
    } else if (op instanceof Op.AddPerChannel) {
      long[] addend = {node.dimension(0), node.dimension(1), 1, 1};
      return onnx.add("Add", value(node, 0), onnx.reshape(value(node, 1), addend));
    } else if (op instanceof Op.Multiply) {
      return onnx.add("Mul", value(node, 0), value(node, 1));
    } else if (op instanceof Op.Scale scale) {
      return onnx.add("Mul", value(node, 0), onnx.scalar(scale.factor()));
    } else if (op instanceof Op.Clamp clamp) {
      return onnx.add("Clip", value(node, 0), onnx.scalar(clamp.min()), onnx.scalar(clamp.max()));
    } else if (op instanceof Op.Attention attention) {
      return attention(node, attention);
    } else if (op instanceof Op.Concat concat) {
      return onnx.call("Concat", value(node, 0), value(node, 1))
          .with("axis", concat.axis())
          .output();
    } else if (op instanceof Op.PrependToken) {
      long[] first = {node.dimension(0), 1, node.dimension(2)};
      String token = onnx.add("Expand", value(node, 1), onnx.longs(first));
      return onnx.call("Concat", token, value(node, 0)).with("axis", 1).output();
    } else if (op instanceof Op.Slice slice) {
      return onnx.add(
          "Slice",
          value(node, 0),
          onnx.longs(slice.start()),
          onnx.longs(slice.end()),
          onnx.longs(slice.axis()));
    } else if (op instanceof Op.UpsampleNearest2x) {
      return onnx.call("Resize", value(node, 0), "", onnx.float32s(new long[] {4}, 1, 1, 2, 2))
          .with("mode", "nearest")
          .with("coordinate_transformation_mode", "asymmetric")
          .with("nearest_mode", "floor")
          .output();
    } else if (op instanceof Op.FlattenSpatial) {
      String pixels =
          onnx.reshape(value(node, 0), node.dimension(0), node.dimension(2), node.dimension(1));
      return onnx.transpose(pixels, 0, 2, 1);
    } else if (op instanceof Op.UnflattenSpatial) {
      return onnx.reshape(onnx.transpose(value(node, 0), 0, 2, 1), node.shape().getShape());
    } else if (op instanceof Op.Embedding) {
      return onnx.add("Gather", value(node, 0), value(node, 1));
    } else if (op instanceof Op.SinusoidalEmbedding embedding) {
      return sinusoidalEmbedding(node, embedding);
    }
    throw new IllegalStateException("no ONNX form for " + op);
  }

  private String linear(Node node) throws IOException {
    OnnxModelBuilder.Call gemm =
        node.operands().size() == 3
            ? onnx.call("Gemm", rows(node.operand(0)), value(node, 1), value(node, 2))
            : onnx.call("Gemm", rows(node.operand(0)), value(node, 1));
    String product = gemm.with("transB", 1).output();
    return node.shape().dimension() == 2 ? product : onnx.reshape(product, node.shape().getShape());
  }

  /** The value as a matrix whose columns are its last axis. */
  private String rows(Node node) throws IOException {
    Shape shape = node.shape();
    return shape.dimension() == 2 ? value(node) : onnx.reshape(value(node), -1, node.dimension(-1));
  }

  private String groupNorm(Node node, Op.GroupNorm norm) throws IOException {
    long channels = node.dimension(1);
    float[] ones = new float[norm.groups()];
    java.util.Arrays.fill(ones, 1);
    long[] perGroup = {norm.groups()};
    String grouped = onnx.reshape(value(node, 0), node.dimension(0), norm.groups(), -1);
    String normalised =
        onnx.call(
                "InstanceNormalization",
                grouped,
                onnx.floats(perGroup, ones),
                onnx.floats(perGroup, new float[norm.groups()]))
            .with("epsilon", norm.epsilon())
            .output();
    String image = onnx.reshape(normalised, node.shape().getShape());
    String scaled = onnx.add("Mul", image, onnx.reshape(value(node, 1), channels, 1, 1));
    return onnx.add("Add", scaled, onnx.reshape(value(node, 2), channels, 1, 1));
  }

  private String activate(String x, Op.Activate activate) {
    return switch (activate.function()) {
      case SILU -> onnx.add("Mul", x, onnx.add("Sigmoid", x));
      case QUICK_GELU ->
          onnx.add("Mul", x, onnx.add("Sigmoid", onnx.add("Mul", x, onnx.scalar(1.702f))));
      case GELU -> {
        String erf = onnx.add("Erf", onnx.add("Mul", x, onnx.scalar((float) Math.sqrt(0.5))));
        yield half(x, erf);
      }
      case GELU_TANH -> {
        String cube = onnx.add("Mul", onnx.add("Mul", x, x), x);
        String inner = onnx.add("Add", x, onnx.add("Mul", cube, onnx.scalar(0.044715f)));
        String scaled = onnx.add("Mul", inner, onnx.scalar((float) Math.sqrt(2 / Math.PI)));
        yield half(x, onnx.add("Tanh", scaled));
      }
    };
  }

  /** {@code 0.5 x (1 + y)}. */
  private String half(String x, String y) {
    String product = onnx.add("Mul", x, onnx.add("Add", y, onnx.scalar(1)));
    return onnx.add("Mul", product, onnx.scalar(0.5f));
  }

  private String attention(Node node, Op.Attention attention) throws IOException {
    String query = onnx.transpose(heads(node.operand(0), attention), 0, 2, 1, 3);
    String key = onnx.transpose(heads(node.operand(1), attention), 0, 2, 3, 1);
    String value = onnx.transpose(heads(node.operand(2), attention), 0, 2, 1, 3);
    // Scores leave the range of float16: diffusers has upcast_attention for models where they do.
    String scale = onnx.float32s(new long[0], attention.scale());
    String scores = onnx.add("MatMul", onnx.add("Mul", inFloat32(query), scale), inFloat32(key));
    if (attention.causal()) {
      scores = onnx.add("Add", scores, causalMask(onnx, Math.toIntExact(node.dimension(1))));
    }
    String weights = inPrecision(onnx.call("Softmax", scores).with("axis", -1).output());
    String weighted = onnx.add("MatMul", weights, value);
    return onnx.reshape(onnx.transpose(weighted, 0, 2, 1, 3), node.shape().getShape());
  }

  private String heads(Node node, Op.Attention attention) throws IOException {
    return onnx.reshape(
        value(node),
        node.dimension(0),
        node.dimension(1),
        attention.heads(),
        node.dimension(2) / attention.heads());
  }

  /** Zero where a query may look, the lowest number elsewhere; {@code [tokens, tokens]}. */
  private static String causalMask(OnnxModelBuilder onnx, int tokens) {
    float[] mask = new float[tokens * tokens];
    for (int query = 0; query < tokens; query++) {
      for (int key = query + 1; key < tokens; key++) {
        mask[query * tokens + key] = -Float.MAX_VALUE;
      }
    }
    return onnx.float32s(new long[] {tokens, tokens}, mask);
  }

  private String sinusoidalEmbedding(Node node, Op.SinusoidalEmbedding embedding)
      throws IOException {
    // Timesteps and angles up to 999 need float32, whatever the precision.
    Node timesteps = node.operand(0);
    String exact =
        timesteps.op() instanceof Op.Input input
            ? input.name()
            : onnx.convert(value(timesteps), DataType.FLOAT32);
    float[] frequencies = embedding.frequencies();
    String angles =
        onnx.add(
            "Mul",
            onnx.reshape(exact, -1, 1),
            onnx.float32s(new long[] {1, frequencies.length}, frequencies));
    String sine = onnx.add("Sin", angles);
    String cosine = onnx.add("Cos", angles);
    return inPrecision(
        onnx.call(
                "Concat",
                embedding.cosineFirst() ? cosine : sine,
                embedding.cosineFirst() ? sine : cosine)
            .with("axis", 1)
            .output());
  }

  private String value(Node node, int operand) throws IOException {
    return value(node.operand(operand));
  }

  private String value(Node node) throws IOException {
    String known = values.get(node);
    if (known != null) {
      return known;
    }
    WeightView view =
        WeightView.of(node)
            .orElseThrow(() -> new IllegalStateException(node + " has not been emitted"));
    return weights.value(onnx, view);
  }
}
