package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.ByteString;
import io.shardlight.diffusion.graph.HalfPrecision;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Collects the nodes and initializers of one ONNX model. Values are known by their names. */
final class OnnxModelBuilder {
  /** The operator set that LayerNormalization entered. */
  private static final int OPSET = 17;

  private static final int IR_VERSION = 8;
  static final String MICROSOFT = "com.microsoft";

  private final GraphProto.Builder graph = GraphProto.newBuilder();
  private final Map<Constant, String> constants = new HashMap<>();
  private final Map<String, String> initializers = new HashMap<>();
  private final Map<String, String> widened = new HashMap<>();
  private String scope = "";
  private int count;

  private final DataType precision;

  /** A model that computes in float32. */
  OnnxModelBuilder(String name) {
    this(name, DataType.FLOAT32);
  }

  /**
   * @param precision what {@link #floats} and weights are: float32 or float16
   */
  OnnxModelBuilder(String name, DataType precision) {
    this.precision = precision;
    graph.setName(name);
  }

  DataType precision() {
    return precision;
  }

  static TensorProto.DataType elementType(DataType dataType) {
    return switch (dataType) {
      case FLOAT32 -> TensorProto.DataType.FLOAT;
      case FLOAT16 -> TensorProto.DataType.FLOAT16;
      case INT64 -> TensorProto.DataType.INT64;
      default ->
          throw new IllegalArgumentException(
              "elements must be float32, float16 or int64, but are " + dataType);
    };
  }

  String convert(String value, DataType dataType) {
    return call("Cast", value).with("to", elementType(dataType).getNumber()).output();
  }

  /** Names the nodes added from now on after a module, so that errors and profiles tell where. */
  void scope(String label) {
    scope = label + "/";
  }

  void input(String name, DataType dataType, Shape shape) {
    graph.addInput(valueInfo(name, dataType, shape));
  }

  /** Outputs are known by their order; their names are kept apart from those of the inputs. */
  void output(String name, DataType dataType, Shape shape, String value) {
    String unique = "outputs/" + name;
    graph.addOutput(valueInfo(unique, dataType, shape));
    graph.addNode(
        NodeProto.newBuilder()
            .setOpType("Identity")
            .setName(unique)
            .addInput(value)
            .addOutput(unique));
  }

  /** Starts a node; it is added when its outputs are asked for. An empty input is an absent one. */
  Call call(String opType, String... inputs) {
    return new Call(opType, List.of(inputs));
  }

  /** A node with one output and no attributes. */
  String add(String opType, String... inputs) {
    return call(opType, inputs).output();
  }

  String reshape(String value, long... shape) {
    return add("Reshape", value, longs(shape));
  }

  String transpose(String value, long... permutation) {
    return call("Transpose", value).with("perm", permutation).output();
  }

  String scalar(float value) {
    return floats(new long[0], value);
  }

  /** Rounded to the precision of the model. */
  String floats(long[] shape, float... values) {
    if (precision == DataType.FLOAT16) {
      ByteBuffer bytes =
          ByteBuffer.allocate(values.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (float value : values) {
        bytes.putShort(HalfPrecision.toFloat16(value));
      }
      return constant(TensorProto.DataType.FLOAT16, shape, bytes.flip());
    }
    return float32s(shape, values);
  }

  String float32s(long[] shape, float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return constant(TensorProto.DataType.FLOAT, shape, bytes);
  }

  /** A vector of int64. */
  String longs(long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return constant(TensorProto.DataType.INT64, new long[] {values.length}, bytes);
  }

  String ints(long[] shape, int... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return constant(TensorProto.DataType.INT32, shape, bytes);
  }

  private String constant(TensorProto.DataType type, long[] shape, ByteBuffer littleEndian) {
    CRC32C checksum = new CRC32C();
    checksum.update(littleEndian.duplicate());
    Constant content =
        new Constant(
            type,
            Arrays.stream(shape).boxed().toList(),
            ByteString.copyFrom(littleEndian),
            (int) checksum.getValue());
    return constants.computeIfAbsent(
        content,
        key -> {
          String name = "constant_" + constants.size();
          graph.addInitializer(
              TensorProto.newBuilder()
                  .setName(name)
                  .setDataType(type.getNumber())
                  .addAllDims(key.shape)
                  .setRawData(key.bytes));
          return name;
        });
  }

  /** A constant by its content; {@code ByteString} would hash megabytes byte by byte. */
  private record Constant(
      TensorProto.DataType type, List<Long> shape, ByteString bytes, int checksum) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Constant constant
          && checksum == constant.checksum
          && type == constant.type
          && shape.equals(constant.shape)
          && bytes.equals(constant.bytes);
    }

    @Override
    public int hashCode() {
      return checksum;
    }
  }

  /** Adds a tensor under its name, once. */
  String initializer(TensorProto tensor) {
    return initializers.computeIfAbsent(
        tensor.getName(),
        name -> {
          graph.addInitializer(tensor);
          return name;
        });
  }

  /** The float32 value of a float16 tensor, which is added under its name, once. */
  String widened(TensorProto tensor) {
    String known = widened.get(tensor.getName());
    if (known == null) {
      known = convert(initializer(tensor), DataType.FLOAT32);
      widened.put(tensor.getName(), known);
    }
    return known;
  }

  ModelProto build() {
    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("shardlight")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPSET))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(MICROSOFT).setVersion(1))
        .setGraph(graph)
        .build();
  }

  private static ValueInfoProto valueInfo(String name, DataType dataType, Shape shape) {
    TensorShapeProto.Builder dimensions = TensorShapeProto.newBuilder();
    for (long dimension : shape.getShape()) {
      dimensions.addDim(TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder()
                        .setElemType(elementType(dataType).getNumber())
                        .setShape(dimensions)))
        .build();
  }

  /** One node in the making. */
  final class Call {
    private final NodeProto.Builder node = NodeProto.newBuilder();

    private Call(String opType, List<String> inputs) {
      node.setOpType(opType).addAllInput(inputs);
    }

    /** Takes the operator from ONNX Runtime's own set. */
    Call microsoft() {
      node.setDomain(MICROSOFT);
      return this;
    }

    Call with(String attribute, long value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(attribute)
              .setType(AttributeProto.AttributeType.INT)
              .setI(value));
      return this;
    }

    Call with(String attribute, float value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(attribute)
              .setType(AttributeProto.AttributeType.FLOAT)
              .setF(value));
      return this;
    }

    Call with(String attribute, String value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(attribute)
              .setType(AttributeProto.AttributeType.STRING)
              .setS(ByteString.copyFromUtf8(value)));
      return this;
    }

    Call with(String attribute, long... values) {
      AttributeProto.Builder list =
          AttributeProto.newBuilder().setName(attribute).setType(AttributeProto.AttributeType.INTS);
      for (long value : values) {
        list.addInts(value);
      }
      node.addAttribute(list);
      return this;
    }

    String output() {
      return outputs(true).get(0);
    }

    /**
     * Adds the node.
     *
     * @param wanted for each output whether it is wanted
     * @return names; those of unwanted outputs are empty
     */
    List<String> outputs(boolean... wanted) {
      String name = scope + node.getOpType() + "_" + count++;
      for (int i = 0; i < wanted.length; i++) {
        node.addOutput(wanted[i] ? name + (i == 0 ? "" : ":" + i) : "");
      }
      graph.addNode(node.setName(name));
      return node.getOutputList();
    }
  }
}
