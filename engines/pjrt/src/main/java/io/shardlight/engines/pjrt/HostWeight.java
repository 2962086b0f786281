package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.ParameterData;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
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
    private final ByteBuffer chunk =
        ByteBuffer.allocateDirect(CHUNK * Float.BYTES).order(ByteOrder.nativeOrder());
    private final FloatBuffer floats = chunk.asFloatBuffer();
    private final IntBuffer floatBits = chunk.asIntBuffer();
    private final int[] bits = new int[CHUNK];
    private final short[] halves = new short[CHUNK];

    private ByteBuffer take(int bytes) {
      if (memory.capacity() < bytes) {
        memory = ByteBuffer.allocateDirect(bytes);
      }
      return memory.slice(0, bytes).order(ByteOrder.nativeOrder());
    }

    /** To bfloat16. */
    private void round(ParameterData data, int count, ShortBuffer target) {
      for (int start = 0; start < count; start += CHUNK) {
        int length = Math.min(CHUNK, count - start);
        data.read(start, floats.slice(0, length));
        floatBits.get(0, bits, 0, length);
        // Each a loop that becomes vector instructions, which both in one would not.
        round(bits, length);
        for (int i = 0; i < length; i++) {
          halves[i] = (short) bits[i];
        }
        target.put(halves, 0, length);
      }
    }

    /**
     * Rounds floats' bits to bfloat16's, to nearest even; a NaN stays one.
     *
     * @param bits become those of the result, in the lower half
     */
    private static void round(int[] bits, int count) {
      for (int i = 0; i < count; i++) {
        int value = bits[i];
        int nan = (0x7f800000 - (value & 0x7fffffff)) >> 31; // all ones, or zero
        int nearest = value + 0x7fff + ((value >>> 16) & 1);
        bits[i] = ((nearest & ~nan) | ((value | 0x400000) & nan)) >>> 16;
      }
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
    staging.round(data, count, bytes.asShortBuffer());
    return bytes;
  }
}
