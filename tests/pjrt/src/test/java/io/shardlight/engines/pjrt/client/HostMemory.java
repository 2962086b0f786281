package io.shardlight.engines.pjrt.client;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Arrays in direct buffers. */
final class HostMemory {
  private HostMemory() {}

  static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  static ByteBuffer of(float... values) {
    ByteBuffer host = allocate(values.length * Float.BYTES);
    host.asFloatBuffer().put(values);
    return host;
  }

  static ByteBuffer random(long bytes, long seed) {
    byte[] values = new byte[Math.toIntExact(bytes)];
    new Random(seed).nextBytes(values);
    return allocate(values.length).put(values).rewind();
  }

  /** Without the values' meaning: also of NaN. */
  static byte[] bytes(ByteBuffer host) {
    byte[] bytes = new byte[host.remaining()];
    host.duplicate().get(bytes);
    return bytes;
  }

  static float[] floats(PjrtBuffer buffer) {
    ByteBuffer host = buffer.download();
    float[] values = new float[host.remaining() / Float.BYTES];
    host.asFloatBuffer().get(values);
    return values;
  }
}
