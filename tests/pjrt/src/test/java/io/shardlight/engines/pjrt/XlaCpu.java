package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.Shape;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Compiles StableHLO with XLA and runs it on this machine's processors: by the operator {@code
 * XlaCallModule} of TensorFlow, called eagerly through its C API. One for the process.
 */
final class XlaCpu {
  /** The version of XlaCallModule's serialization, known to TensorFlow since 2.13. */
  private static final long CALL_MODULE_VERSION = 9;

  private static final int RTLD_NOW_GLOBAL = 0x102;

  private static final class Holder {
    static final XlaCpu INSTANCE = new XlaCpu();
  }

  private final Pointer status;
  private final Pointer context;

  private XlaCpu() {
    String library = System.getProperty("shardlight.tensorflow");
    Native.register(
        TensorFlow.class,
        NativeLibrary.getInstance(library, Map.of(Library.OPTION_OPEN_FLAGS, RTLD_NOW_GLOBAL)));
    status = TensorFlow.TF_NewStatus();
    Pointer options = TensorFlow.TFE_NewContextOptions();
    context = TensorFlow.TFE_NewContext(options, status);
    check();
    TensorFlow.TFE_DeleteContextOptions(options);
  }

  static XlaCpu get() {
    return Holder.INSTANCE;
  }

  /** A tensor's elements, row-major, in native order. */
  record Tensor(TensorType type, ByteBuffer bytes) {
    static Tensor allocate(TensorType type) {
      return new Tensor(
          type,
          ByteBuffer.allocateDirect(Math.toIntExact(type.bytes())).order(ByteOrder.nativeOrder()));
    }

    static Tensor of(TensorType type, double[] values) {
      Tensor tensor = allocate(type);
      for (int i = 0; i < values.length; i++) {
        tensor.put(i, values[i]);
      }
      return tensor;
    }

    /** Rounds to nearest even. */
    void put(int index, double value) {
      switch (type.element()) {
        case F32 -> bytes.putFloat(4 * index, (float) value);
        case S32, U32 -> bytes.putInt(4 * index, (int) (long) value);
        case BF16 -> {
          int bits = Float.floatToRawIntBits((float) value);
          bytes.putShort(2 * index, (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16));
        }
        case PRED, U8 -> bytes.put(index, (byte) value);
        default -> throw new IllegalArgumentException("no tensors here are of " + type);
      }
    }

    double get(int index) {
      return switch (type.element()) {
        case F32 -> bytes.getFloat(4 * index);
        case S32 -> bytes.getInt(4 * index);
        case U32 -> Integer.toUnsignedLong(bytes.getInt(4 * index));
        case BF16 -> Float.intBitsToFloat(bytes.getShort(2 * index) << 16);
        case PRED, U8 -> bytes.get(index) & 0xff;
        default -> throw new IllegalArgumentException("no tensors here are of " + type);
      };
    }

    float[] floats() {
      float[] floats = new float[Math.toIntExact(type.shape().size())];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) get(i);
      }
      return floats;
    }
  }

  /**
   * Compiles the module, unless it has been before, and runs its {@code main}.
   *
   * @param results types of what it returns
   */
  synchronized List<Tensor> run(String module, List<TensorType> results, List<Tensor> arguments) {
    List<Pointer> handles = new ArrayList<>();
    Pointer operation = TensorFlow.TFE_NewOp(context, "XlaCallModule", status);
    check();
    try {
      for (Tensor argument : arguments) {
        handles.add(upload(argument));
      }
      TensorFlow.TFE_OpSetDevice(operation, "/device:CPU:0", status);
      check();
      TensorFlow.TFE_OpAddInputList(operation, array(handles), handles.size(), status);
      check();
      byte[] text = module.getBytes(StandardCharsets.UTF_8);
      TensorFlow.TFE_OpSetAttrInt(operation, "version", CALL_MODULE_VERSION);
      TensorFlow.TFE_OpSetAttrString(operation, "module", text, text.length);
      int[] types = results.stream().mapToInt(type -> dataType(type.element())).toArray();
      TensorFlow.TFE_OpSetAttrTypeList(operation, "Tout", types, types.length);
      setShapes(operation, results);
      Memory platform = new Memory(3);
      platform.write(0, new byte[] {'C', 'P', 'U'}, 0, 3);
      TensorFlow.TFE_OpSetAttrStringList(
          operation, "platforms", array(List.of(platform)), new long[] {3}, 1);
      Memory outputs = new Memory(8L * results.size());
      TensorFlow.TFE_Execute(operation, outputs, new IntByReference(results.size()), status);
      check();
      List<Tensor> tensors = new ArrayList<>();
      for (int i = 0; i < results.size(); i++) {
        tensors.add(download(outputs.getPointer(8L * i), results.get(i)));
      }
      return tensors;
    } finally {
      TensorFlow.TFE_DeleteOp(operation);
      handles.forEach(TensorFlow::TFE_DeleteTensorHandle);
    }
  }

  private void setShapes(Pointer operation, List<TensorType> results) {
    List<Pointer> shapes = new ArrayList<>();
    int[] ranks = new int[results.size()];
    for (int i = 0; i < ranks.length; i++) {
      Shape shape = results.get(i).shape();
      ranks[i] = shape.dimension();
      Memory sizes = new Memory(Math.max(8, 8L * ranks[i]));
      sizes.write(0, shape.getShape(), 0, ranks[i]);
      shapes.add(sizes);
    }
    TensorFlow.TFE_OpSetAttrShapeList(
        operation, "Sout", array(shapes), ranks, ranks.length, status);
    check();
  }

  private Pointer upload(Tensor tensor) {
    long[] shape = tensor.type().shape().getShape();
    long bytes = tensor.type().bytes();
    Pointer copy =
        TensorFlow.TF_AllocateTensor(dataType(tensor.type().element()), shape, shape.length, bytes);
    TensorFlow.TF_TensorData(copy).getByteBuffer(0, bytes).put(tensor.bytes().duplicate().rewind());
    Pointer handle = TensorFlow.TFE_NewTensorHandle(copy, status);
    TensorFlow.TF_DeleteTensor(copy);
    check();
    return handle;
  }

  private Tensor download(Pointer handle, TensorType type) {
    Pointer copy = TensorFlow.TFE_TensorHandleResolve(handle, status);
    TensorFlow.TFE_DeleteTensorHandle(handle);
    check();
    Tensor tensor = Tensor.allocate(type);
    tensor.bytes().put(TensorFlow.TF_TensorData(copy).getByteBuffer(0, type.bytes())).rewind();
    TensorFlow.TF_DeleteTensor(copy);
    return tensor;
  }

  /** The value of {@code TF_DataType}. */
  private static int dataType(ElementType element) {
    return switch (element) {
      case F32 -> 1;
      case S32 -> 3;
      case U8 -> 4;
      case PRED -> 10;
      case BF16 -> 14;
      case U32 -> 22;
      default -> throw new IllegalArgumentException("no tensors here are of " + element);
    };
  }

  private static Memory array(List<? extends Pointer> pointers) {
    Memory array = new Memory(Math.max(8, 8L * pointers.size()));
    for (int i = 0; i < pointers.size(); i++) {
      array.setPointer(8L * i, pointers.get(i));
    }
    return array;
  }

  private void check() {
    if (TensorFlow.TF_GetCode(status) != 0) {
      throw new IllegalStateException(TensorFlow.TF_Message(status).getString(0));
    }
  }

  /** TensorFlow's C API, {@code tensorflow/c/c_api.h} and {@code tensorflow/c/eager/c_api.h}. */
  @SuppressWarnings("checkstyle:MethodName")
  private static final class TensorFlow {
    static native Pointer TF_NewStatus();

    static native int TF_GetCode(Pointer status);

    static native Pointer TF_Message(Pointer status);

    static native Pointer TF_AllocateTensor(int type, long[] shape, int rank, long bytes);

    static native Pointer TF_TensorData(Pointer tensor);

    static native void TF_DeleteTensor(Pointer tensor);

    static native Pointer TFE_NewContextOptions();

    static native void TFE_DeleteContextOptions(Pointer options);

    static native Pointer TFE_NewContext(Pointer options, Pointer status);

    static native Pointer TFE_NewTensorHandle(Pointer tensor, Pointer status);

    static native Pointer TFE_TensorHandleResolve(Pointer handle, Pointer status);

    static native void TFE_DeleteTensorHandle(Pointer handle);

    static native Pointer TFE_NewOp(Pointer context, String name, Pointer status);

    static native void TFE_DeleteOp(Pointer operation);

    static native void TFE_OpSetDevice(Pointer operation, String device, Pointer status);

    static native void TFE_OpAddInputList(
        Pointer operation, Pointer handles, int count, Pointer status);

    static native void TFE_OpSetAttrString(
        Pointer operation, String attribute, byte[] value, long length);

    static native void TFE_OpSetAttrInt(Pointer operation, String attribute, long value);

    static native void TFE_OpSetAttrTypeList(
        Pointer operation, String attribute, int[] types, int count);

    static native void TFE_OpSetAttrShapeList(
        Pointer operation,
        String attribute,
        Pointer shapes,
        int[] ranks,
        int count,
        Pointer status);

    static native void TFE_OpSetAttrStringList(
        Pointer operation, String attribute, Pointer values, long[] lengths, int count);

    static native void TFE_Execute(
        Pointer operation, Pointer results, IntByReference count, Pointer status);
  }
}
