package io.shardlight.engines.pjrt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A tensor in host memory.
 *
 * @param bytes direct, native order, row-major
 */
record HostTensor(ByteBuffer bytes, TensorType type) {
  static HostTensor allocate(TensorType type) {
    return new HostTensor(
        ByteBuffer.allocateDirect(Math.toIntExact(type.bytes())).order(ByteOrder.nativeOrder()),
        type);
  }

  /** A copy of an array, of its own type and shape. */
  static HostTensor of(NDArray array) {
    return of(array, new TensorType(ElementType.of(array.getDataType()), array.getShape()), 0);
  }

  /**
   * A copy of a part of an array.
   *
   * @param type of the part, of whole slices along the first axis
   * @param index how many such parts lie in front of it
   */
  static HostTensor of(NDArray array, TensorType type, int index) {
    HostTensor tensor = allocate(type);
    ByteBuffer bytes = array.toByteBuffer();
    int size = tensor.bytes().capacity();
    tensor.bytes().put(0, bytes, bytes.position() + index * size, size);
    return tensor;
  }

  /** A copy of an array of 64-bit integers as 32-bit ones, which token ids fit in. */
  static HostTensor ofLongs(NDArray array) {
    if (array.getDataType() != DataType.INT64) {
      throw new IllegalArgumentException("an array of INT64 was expected, but got " + array);
    }
    HostTensor tensor = allocate(new TensorType(ElementType.S32, array.getShape()));
    long[] values = array.toLongArray();
    for (int i = 0; i < values.length; i++) {
      tensor.bytes().putInt(4 * i, Math.toIntExact(values[i]));
    }
    return tensor;
  }

  NDArray toArray(NDManager manager) {
    return manager.create(
        bytes.duplicate().order(bytes.order()).rewind(), type.shape(), type.element().dataType());
  }
}
