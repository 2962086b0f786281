package io.shardlight.engines.pjrt.client;

import java.util.Arrays;

/** An array's element type and dimensions, row-major in host memory. Immutable. */
public final class PjrtShape {
  private final PjrtBufferType type;
  private final long[] dimensions;
  private final long hostBytes;

  private PjrtShape(PjrtBufferType type, long[] dimensions) {
    this.type = type;
    this.dimensions = dimensions;
    long bytes = type.hostBytes();
    for (long dimension : dimensions) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "dimensions must not be negative, but are " + Arrays.toString(dimensions));
      }
      bytes = Math.multiplyExact(bytes, dimension);
    }
    this.hostBytes = bytes;
  }

  /**
   * @param dimensions none for a scalar
   */
  public static PjrtShape of(PjrtBufferType type, long... dimensions) {
    return new PjrtShape(type, dimensions.clone());
  }

  /**
   * @param type the value of {@code PJRT_Buffer_Type}
   * @param dimensions none for a scalar
   */
  public static PjrtShape of(int type, long... dimensions) {
    return of(PjrtBufferType.of(type), dimensions);
  }

  public PjrtBufferType type() {
    return type;
  }

  public long[] dimensions() {
    return dimensions.clone();
  }

  public int rank() {
    return dimensions.length;
  }

  /** Of the whole array in host memory, without gaps. */
  public long hostBytes() {
    return hostBytes;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PjrtShape shape
        && type == shape.type
        && Arrays.equals(dimensions, shape.dimensions);
  }

  @Override
  public int hashCode() {
    return 31 * type.hashCode() + Arrays.hashCode(dimensions);
  }

  /** As in {@code F32[2, 3]}. */
  @Override
  public String toString() {
    return type + Arrays.toString(dimensions);
  }
}
