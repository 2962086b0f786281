package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.beam.sdk.coders.CoderException;
import org.apache.beam.sdk.util.VarInt;

/** Reads what {@link FieldOutput} wrote. */
final class FieldInput {
  /** Reads one value. */
  interface Reader<T> {
    T read() throws IOException;
  }

  final DataInputStream data;

  FieldInput(DataInputStream data) {
    this.data = data;
  }

  /** A whole number from 0 on. */
  int number() throws IOException {
    int value = VarInt.decodeInt(data);
    if (value < 0) {
      throw new CoderException("a length or number must not be negative, but was " + value);
    }
    return value;
  }

  String string() throws IOException {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  Durations durations() throws IOException {
    try {
      return Durations.fromBytes(bytes());
    } catch (IllegalArgumentException e) {
      throw new CoderException(e);
    }
  }

  private byte[] bytes() throws IOException {
    int length = number();
    // readNBytes grows as bytes arrive, so a damaged length does not allocate 2 GiB.
    byte[] bytes = data.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("a value of " + length + " bytes ends after " + bytes.length);
    }
    return bytes;
  }

  SchedulerKind scheduler() throws IOException {
    return SchedulerKind.valueOf(string());
  }

  <T> Optional<T> optional(Reader<T> reader) throws IOException {
    return data.readBoolean() ? Optional.of(reader.read()) : Optional.empty();
  }

  Map<String, String> strings() throws IOException {
    int size = number();
    if (size == 0) {
      return Map.of();
    }
    Map<String, String> map = new TreeMap<>();
    for (int i = 0; i < size; i++) {
      String key = string();
      map.put(key, string());
    }
    return CarriedColumns.copyOf(map);
  }

  PromptSource source() throws IOException {
    String file = SharedValues.of(string());
    return new PromptSource(file, VarInt.decodeLong(data));
  }

  Sampling sampling() throws IOException {
    SchedulerKind scheduler = scheduler();
    int steps = number();
    float guidanceScale = data.readFloat();
    int width = number();
    return SharedValues.of(new Sampling(scheduler, steps, guidanceScale, width, number()));
  }

  BatchShape shape() throws IOException {
    int width = number();
    int height = number();
    SchedulerKind scheduler = scheduler();
    int steps = number();
    return new BatchShape(width, height, scheduler, steps, data.readBoolean());
  }

  ShardKey shardKey() throws IOException {
    int number = number();
    return new ShardKey(number, shape());
  }
}
