package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import io.shardlight.engines.pjrt.client.PjrtBufferType;

/** The types of elements, as StableHLO, PJRT (by the same names as here) and DJL name them. */
enum ElementType {
  PRED("i1", 1, DataType.BOOLEAN),
  S8("i8", 1, DataType.INT8),
  S32("i32", 4, DataType.INT32),
  S64("i64", 8, DataType.INT64),
  U8("ui8", 1, DataType.UINT8),
  U32("ui32", 4, DataType.UINT32),
  F16("f16", 2, DataType.FLOAT16),
  BF16("bf16", 2, DataType.BFLOAT16),
  F32("f32", 4, DataType.FLOAT32),
  F64("f64", 8, DataType.FLOAT64);

  private final String text;
  private final int bytes;
  private final DataType dataType;

  ElementType(String text, int bytes, DataType dataType) {
    this.text = text;
    this.bytes = bytes;
    this.dataType = dataType;
  }

  /**
   * @throws IllegalArgumentException if programs here take no such type
   */
  static ElementType of(DataType dataType) {
    for (ElementType type : values()) {
      if (type.dataType == dataType) {
        return type;
      }
    }
    throw new IllegalArgumentException("engine PJRT takes no arrays of type " + dataType);
  }

  /** As in a tensor type of MLIR. */
  String text() {
    return text;
  }

  PjrtBufferType bufferType() {
    return PjrtBufferType.valueOf(name());
  }

  DataType dataType() {
    return dataType;
  }

  /** Of one element. */
  int bytes() {
    return bytes;
  }

  boolean isFloat() {
    return dataType.isFloating();
  }
}
