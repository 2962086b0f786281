package io.shardlight.engines.pjrt.client;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Native memory that lives as long as one call: zeroed when taken, freed together at the end. Not
 * thread-safe.
 */
final class NativeArena implements AutoCloseable {
  /** An empty array has an address as well: some plugins look at it. */
  private static final long LEAST_BYTES = 8;

  private final List<Long> blocks = new ArrayList<>();

  /** The address of as many zero bytes. */
  long allocate(long bytes) {
    long size = Math.max(LEAST_BYTES, bytes);
    long address = Native.malloc(size);
    if (address == 0) {
      throw new OutOfMemoryError("cannot allocate " + size + " bytes of native memory");
    }
    blocks.add(address);
    new Pointer(address).clear(size);
    return address;
  }

  /** The argument struct of a function, with nothing filled in. */
  NativeStruct arguments(PjrtFunction function) {
    return struct(function.argumentsName(), function.argumentBytes());
  }

  /** The argument struct of a function on an object. */
  NativeStruct arguments(PjrtFunction function, long self) {
    NativeStruct arguments = arguments(function);
    arguments.putLong(StructLayout.SELF, self);
    return arguments;
  }

  /**
   * A struct that begins with its size.
   *
   * @param name in C
   * @param bytes up to the end of its last known field
   */
  NativeStruct struct(String name, int bytes) {
    return new NativeStruct(name, bytes, allocate(bytes + NativeStruct.SPARE_BYTES));
  }

  /** The address of a copy. */
  long copy(byte[] bytes) {
    long address = allocate(bytes.length);
    new Pointer(address).write(0, bytes, 0, bytes.length);
    return address;
  }

  /** The address of a copy. */
  long copy(long[] values) {
    long address = allocate((long) values.length * Long.BYTES);
    new Pointer(address).write(0, values, 0, values.length);
    return address;
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    blocks.forEach(Native::free);
    blocks.clear();
  }
}
