package io.shardlight.data;

import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

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

  /** UTF-8 with its length in front; {@code writeUTF} ends at 64 KiB. */
  void string(String value) throws IOException {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    data.writeInt(bytes.length);
    data.write(bytes);
  }

  void durations(Durations value) throws IOException {
    byte[] bytes = value.toBytes();
    data.writeInt(bytes.length);
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
    SortedMap<String, String> sorted = new TreeMap<>(map);
    data.writeInt(sorted.size());
    for (Map.Entry<String, String> entry : sorted.entrySet()) {
      string(entry.getKey());
      string(entry.getValue());
    }
  }

  void source(PromptSource source) throws IOException {
    string(source.file());
    data.writeLong(source.line());
  }

  void sampling(Sampling sampling) throws IOException {
    scheduler(sampling.scheduler());
    data.writeInt(sampling.steps());
    data.writeFloat(sampling.guidanceScale());
    data.writeInt(sampling.widthPixels());
    data.writeInt(sampling.heightPixels());
  }

  void shape(BatchShape shape) throws IOException {
    data.writeInt(shape.widthPixels());
    data.writeInt(shape.heightPixels());
    scheduler(shape.scheduler());
    data.writeInt(shape.steps());
    data.writeBoolean(shape.guided());
  }

  void shardKey(ShardKey key) throws IOException {
    data.writeInt(key.number());
    shape(key.shape());
  }
}
