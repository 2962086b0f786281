package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Builds small float32 safetensors files. */
final class SafetensorsFile {
  private record Tensor(Shape shape, float first, float step) {}

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Elements {@code first, first + step, first + 2 step, …}. */
  SafetensorsFile withRamp(String name, float first, float step, long... shape) {
    tensors.put(name, new Tensor(new Shape(shape), first, step));
    return this;
  }

  /** Elements of a kind. */
  SafetensorsFile with(String name, float value, long... shape) {
    return withRamp(name, value, 0, shape);
  }

  SafetensorsFile withNote(String name, String text) {
    metadata.put(name, text);
    return this;
  }

  Path write(Path file) throws IOException {
    ObjectMapper json = new ObjectMapper();
    ObjectNode header = json.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode notes = header.putObject("__metadata__");
      metadata.forEach(notes::put);
    }
    int at = 0;
    for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", "F32");
      ArrayNode shape = entry.putArray("shape");
      for (long dimension : tensor.getValue().shape.getShape()) {
        shape.add(dimension);
      }
      int end = at + (int) tensor.getValue().shape.size() * Float.BYTES;
      entry.putArray("data_offsets").add(at).add(end);
      at = end;
    }
    byte[] head = json.writeValueAsBytes(header);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + head.length + at).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(head.length).put(head);
    for (Tensor tensor : tensors.values()) {
      for (int i = 0; i < tensor.shape.size(); i++) {
        bytes.putFloat(tensor.first + i * tensor.step);
      }
    }
    return Files.write(file, bytes.array());
  }
}
