package io.shardlight.engines.pjrt.client;

import com.sun.jna.Pointer;

/**
 * A C struct that begins with its own size, in the memory of a {@link NativeArena}. Behind its last
 * known field lie spare zero bytes, so that its size can be raised to what a newer plugin asks for:
 * zero has meant the default in every field appended so far.
 */
final class NativeStruct {
  static final int SPARE_BYTES = 64;

  private final String name;
  private final int bytes;
  private final Pointer pointer;

  NativeStruct(String name, int bytes, long address) {
    this.name = name;
    this.bytes = bytes;
    this.pointer = new Pointer(address);
    setSize(bytes);
  }

  /** In C. */
  String name() {
    return name;
  }

  long address() {
    return Pointer.nativeValue(pointer);
  }

  /** What the struct says of its own size. */
  long size() {
    return getLong(StructLayout.STRUCT_SIZE);
  }

  /** Whether the struct's memory is enough for a size. */
  boolean canHold(long size) {
    return size <= bytes + SPARE_BYTES;
  }

  void setSize(long size) {
    putLong(StructLayout.STRUCT_SIZE, size);
  }

  void putLong(int offset, long value) {
    pointer.setLong(offset, value);
  }

  void putInt(int offset, int value) {
    pointer.setInt(offset, value);
  }

  /** Of an array or a text and of its size in the field behind. */
  void putArray(int offset, long address, long size) {
    putLong(offset, address);
    putLong(offset + Long.BYTES, size);
  }

  long getLong(int offset) {
    return pointer.getLong(offset);
  }

  int getInt(int offset) {
    return pointer.getInt(offset);
  }

  boolean getBoolean(int offset) {
    return pointer.getByte(offset) != 0;
  }
}
