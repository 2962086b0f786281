package io.shardlight.engines.pjrt.client;

import com.sun.jna.Pointer;
import io.shardlight.engines.pjrt.client.StructLayout.NamedValue;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Options and attributes: arrays of {@code PJRT_NamedValue}. */
final class NamedValues {
  private static final int TYPE_STRING = 0;
  private static final int TYPE_INT64 = 1;
  private static final int TYPE_INT64_LIST = 2;
  private static final int TYPE_FLOAT = 3;
  private static final int TYPE_BOOL = 4;

  private static final long SCALAR = 1;

  private NamedValues() {}

  /**
   * The address of an array with these values.
   *
   * @throws IllegalArgumentException if a value is not of one of the five types there are
   */
  static long write(NativeArena arena, Map<String, Object> values) {
    long array = arena.allocate((long) values.size() * NamedValue.BYTES);
    long address = array;
    for (Map.Entry<String, Object> entry : values.entrySet()) {
      writeOne(arena, new Pointer(address), entry.getKey(), entry.getValue());
      address += NamedValue.BYTES;
    }
    return array;
  }

  private static void writeOne(NativeArena arena, Pointer to, String name, Object value) {
    byte[] nameBytes = NativeArena.utf8(name);
    to.setLong(StructLayout.STRUCT_SIZE, NamedValue.BYTES);
    to.setLong(NamedValue.NAME, arena.copy(nameBytes));
    to.setLong(NamedValue.NAME_SIZE, nameBytes.length);
    to.setLong(NamedValue.VALUE_SIZE, SCALAR);
    if (value instanceof String text) {
      byte[] bytes = NativeArena.utf8(text);
      to.setInt(NamedValue.TYPE, TYPE_STRING);
      to.setLong(NamedValue.VALUE, arena.copy(bytes));
      to.setLong(NamedValue.VALUE_SIZE, bytes.length);
    } else if (value instanceof Long number) {
      to.setInt(NamedValue.TYPE, TYPE_INT64);
      to.setLong(NamedValue.VALUE, number);
    } else if (value instanceof long[] numbers) {
      to.setInt(NamedValue.TYPE, TYPE_INT64_LIST);
      to.setLong(NamedValue.VALUE, arena.copy(numbers));
      to.setLong(NamedValue.VALUE_SIZE, numbers.length);
    } else if (value instanceof Float number) {
      to.setInt(NamedValue.TYPE, TYPE_FLOAT);
      to.setFloat(NamedValue.VALUE, number);
    } else if (value instanceof Boolean flag) {
      to.setInt(NamedValue.TYPE, TYPE_BOOL);
      to.setByte(NamedValue.VALUE, (byte) (flag ? 1 : 0));
    } else {
      throw new IllegalArgumentException(
          "option "
              + name
              + " must be a String, Long, long[], Float or Boolean, but was a "
              + value.getClass().getName());
    }
  }

  /**
   * In the plugin's order; values are String, Long, List of Long, Float or Boolean.
   *
   * @throws IllegalStateException if there is no address where there should be values
   */
  static Map<String, Object> read(long address, long count) {
    NativeMemory.requireArray(address, count);
    Map<String, Object> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      Pointer from = new Pointer(address + i * NamedValue.BYTES);
      String name =
          NativeMemory.text(from.getLong(NamedValue.NAME), from.getLong(NamedValue.NAME_SIZE));
      values.put(name, readOne(from));
    }
    return Collections.unmodifiableMap(values);
  }

  private static Object readOne(Pointer from) {
    int type = from.getInt(NamedValue.TYPE);
    long value = from.getLong(NamedValue.VALUE);
    long size = from.getLong(NamedValue.VALUE_SIZE);
    return switch (type) {
      case TYPE_STRING -> NativeMemory.text(value, size);
      case TYPE_INT64 -> value;
      case TYPE_INT64_LIST -> Arrays.stream(NativeMemory.longs(value, size)).boxed().toList();
      case TYPE_FLOAT -> from.getFloat(NamedValue.VALUE);
      case TYPE_BOOL -> from.getByte(NamedValue.VALUE) != 0;
      default -> "a value of type " + type + ", which is not known here";
    };
  }
}
