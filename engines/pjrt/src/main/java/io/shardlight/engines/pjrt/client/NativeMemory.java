package io.shardlight.engines.pjrt.client;

import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;

/** Reads what lies in native memory, owned by others. An empty array may have no address. */
final class NativeMemory {
  private NativeMemory() {}

  static byte[] bytes(long address, long size) {
    return size == 0 ? new byte[0] : at(address, size).getByteArray(0, Math.toIntExact(size));
  }

  static long[] longs(long address, long size) {
    return size == 0 ? new long[0] : at(address, size).getLongArray(0, Math.toIntExact(size));
  }

  static int[] ints(long address, long size) {
    return size == 0 ? new int[0] : at(address, size).getIntArray(0, Math.toIntExact(size));
  }

  /** UTF-8 of a known size, not closed by a zero. */
  static String text(long address, long size) {
    return new String(bytes(address, size), StandardCharsets.UTF_8);
  }

  private static Pointer at(long address, long size) {
    requireArray(address, size);
    return new Pointer(address);
  }

  /** To read from nowhere would kill the process. */
  static void requireArray(long address, long size) {
    if ((address == 0 && size != 0) || size < 0 || size > Integer.MAX_VALUE) {
      throw new IllegalStateException(
          String.format("a PJRT plugin answered with %d elements at address %#x", size, address));
    }
  }
}
