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

  String string() throws IOException {
    return new String(bytes("a string"), StandardCharsets.UTF_8);
  }

  Durations durations() throws IOException {
    try {
      return Durations.fromBytes(bytes("a histogram"));
    } catch (IllegalArgumentException e) {
      throw new CoderException(e);
    }
  }

  private byte[] bytes(String what) throws IOException {
    int length = data.readInt();
    if (length < 0) {
      throw new CoderException(what + "'s length must not be negative, but was " + length);
    }
    // readNBytes grows as bytes arrive, so a damaged length does not allocate 2 GiB.
    byte[] bytes = data.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException(what + " of " + length + " bytes ends after " + bytes.length);
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
    int size = data.readInt();
    Map<String, String> map = new TreeMap<>();
    for (int i = 0; i < size; i++) {
      String key = string();
      map.put(key, string());
    }
    return map;
  }

  PromptSource source() throws IOException {
    String file = string();
    return new PromptSource(file, data.readLong());
  }

  Sampling sampling() throws IOException {
    SchedulerKind scheduler = scheduler();
    int steps = data.readInt();
    float guidanceScale = data.readFloat();
    int width = data.readInt();
    return new Sampling(scheduler, steps, guidanceScale, width, data.readInt());
  }

  BatchShape shape() throws IOException {
    int width = data.readInt();
    int height = data.readInt();
    SchedulerKind scheduler = scheduler();
    int steps = data.readInt();
    return new BatchShape(width, height, scheduler, steps, data.readBoolean());
  }

  ShardKey shardKey() throws IOException {
    int number = data.readInt();
    return new ShardKey(number, shape());
  }
}
