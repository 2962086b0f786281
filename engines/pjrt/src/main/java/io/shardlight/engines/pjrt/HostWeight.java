package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.ParameterData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/**
 * A weight on its way to devices.
 *
 * @param bytes direct, native order, of the type that the elements will have there: mapped where
 *     the file has that type already
 */
record HostWeight(ByteBuffer bytes) {
  /** Elements that are converted at once. */
  private static final int CHUNK = 1 << 16;

  /**
   * @param type as {@link NetworkFunction#storedType} tells
   * @param staging for what has to be converted; not to be used again before it has arrived
   */
  static HostWeight read(ParameterData data, TensorType type, Staging staging) throws IOException {
    boolean asStored = data.region().isPresent() && element(data.dataType()) == type.element();
    return new HostWeight(asStored ? map(data.region().get()) : convert(data, type, staging));
  }

  /** Host memory for one weight after the other. Not thread-safe. */
  static final class Staging {
    private ByteBuffer memory = ByteBuffer.allocateDirect(0);

    private ByteBuffer take(int bytes) {
      if (memory.capacity() < bytes) {
        memory = ByteBuffer.allocateDirect(bytes);
      }
      return memory.slice(0, bytes).order(ByteOrder.nativeOrder());
    }
  }

  private static ElementType element(DataType stored) {
    return switch (stored) {
      case FLOAT32 -> ElementType.F32;
      case BFLOAT16 -> ElementType.BF16;
      default -> ElementType.PRED; // none that weights have on a device
    };
  }

  private static ByteBuffer map(ParameterData.FileRegion region) throws IOException {
    try (FileChannel file = FileChannel.open(region.file(), StandardOpenOption.READ)) {
      return file.map(FileChannel.MapMode.READ_ONLY, region.offset(), region.length())
          .order(ByteOrder.nativeOrder());
    }
  }

  private static ByteBuffer convert(ParameterData data, TensorType type, Staging staging) {
    int count = Math.toIntExact(type.shape().size());
    ByteBuffer bytes = staging.take(Math.toIntExact(type.bytes()));
    if (type.element() == ElementType.F32) {
      data.read(0, bytes.asFloatBuffer());
      return bytes;
    }
    if (type.element() != ElementType.BF16) {
      throw new IllegalArgumentException("weights become float32 or bfloat16, not " + type);
    }
    ShortBuffer rounded = bytes.asShortBuffer();
    // From array to array: a loop that the compiler turns into vector instructions.
    float[] chunk = new float[Math.min(CHUNK, count)];
    short[] halves = new short[chunk.length];
    for (int start = 0; start < count; start += chunk.length) {
      int length = Math.min(chunk.length, count - start);
      data.read(start, FloatBuffer.wrap(chunk, 0, length));
      for (int i = 0; i < length; i++) {
        halves[i] = bfloat16(chunk[i]);
      }
      rounded.put(halves, 0, length);
    }
    return bytes;
  }

  /** The upper half of a float's bits, rounded to nearest even; a NaN stays one. */
  static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    return Float.isNaN(value)
        ? (short) (bits >>> 16 | 0x40)
        : (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
  }
}
