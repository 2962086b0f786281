package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.apache.beam.sdk.util.VarInt;

/** Writes the kinds of fields our records have. */
final class FieldOutput {
  /** Writes one value. */
  interface Writer<T> {
    void write(T value) throws IOException;
  }

  final DataOutputStream data;

  FieldOutput(DataOutputStream data) {
    this.data = data;
  }

  /** A number that is small most of the time, and not negative. */
  void number(long value) throws IOException {
    VarInt.encode(value, data);
  }

  /** UTF-8 with its length in front; {@code writeUTF} ends at 64 KiB. */
  void string(String value) throws IOException {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    number(bytes.length);
    data.write(bytes);
  }

  void durations(Durations value) throws IOException {
    byte[] bytes = value.toBytes();
    number(bytes.length);
    data.write(bytes);
  }

  void scheduler(SchedulerKind value) throws IOException {
    string(value.name());
  }

  <T> void optional(Optional<T> value, Writer<T> writer) throws IOException {
    data.writeBoolean(value.isPresent());
    if (value.isPresent()) {
      writer.write(value.get());
    }
  }

  void strings(Map<String, String> map) throws IOException {
    Map<String, String> sorted = CarriedColumns.copyOf(map);
    number(sorted.size());
    for (Map.Entry<String, String> entry : sorted.entrySet()) {
      string(entry.getKey());
      string(entry.getValue());
    }
  }

  void source(PromptSource source) throws IOException {
    string(source.file());
    number(source.line());
  }

  void sampling(Sampling sampling) throws IOException {
    scheduler(sampling.scheduler());
    number(sampling.steps());
    data.writeFloat(sampling.guidanceScale());
    number(sampling.widthPixels());
    number(sampling.heightPixels());
  }

  void shape(BatchShape shape) throws IOException {
    number(shape.widthPixels());
    number(shape.heightPixels());
    scheduler(shape.scheduler());
    number(shape.steps());
    data.writeBoolean(shape.guided());
  }

  void shardKey(ShardKey key) throws IOException {
    number(key.number());
    shape(key.shape());
  }
}
