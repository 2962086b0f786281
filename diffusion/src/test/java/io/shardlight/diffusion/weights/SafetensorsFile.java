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

/** Builds small safetensors files, of float32 unless told otherwise. */
final class SafetensorsFile {
  private record Tensor(String type, Shape shape, float first, float step) {
    int bytes() {
      return switch (type) {
        case "F64", "I64" -> 8;
        case "F32", "I32" -> 4;
        default -> 2;
      };
    }

    void write(ByteBuffer bytes) {
      for (int i = 0; i < shape.size(); i++) {
        float value = first + i * step;
        switch (type) {
          case "F64" -> bytes.putDouble(value);
          case "I64" -> bytes.putLong((long) value);
          case "F32" -> bytes.putFloat(value);
          case "I32" -> bytes.putInt((int) value);
          case "BF16" -> bytes.putShort((short) (Float.floatToIntBits(value) >>> 16));
          // Powers of two only.
          case "F16" -> bytes.putShort((short) ((Math.getExponent(value) + 15) << 10));
          default -> throw new IllegalArgumentException(type);
        }
      }
    }
  }

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Elements {@code first, first + step, first + 2 step, …}. */
  SafetensorsFile withRamp(String name, float first, float step, long... shape) {
    tensors.put(name, new Tensor("F32", new Shape(shape), first, step));
    return this;
  }

  /** Elements of a kind. */
  SafetensorsFile with(String name, float value, long... shape) {
    return withRamp(name, value, 0, shape);
  }

  /** A single number of a type, {@code F16} for example. */
  SafetensorsFile withScalar(String name, String type, float value) {
    tensors.put(name, new Tensor(type, new Shape(), value, 0));
    return this;
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
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", tensor.getValue().type);
      ArrayNode shape = entry.putArray("shape");
      for (long dimension : tensor.getValue().shape.getShape()) {
        shape.add(dimension);
      }
      int end = at + (int) tensor.getValue().shape.size() * tensor.getValue().bytes();
      entry.putArray("data_offsets").add(at).add(end);
      at = end;
    }
    byte[] head = json.writeValueAsBytes(header);
    ByteBuffer bytes =
        ByteBuffer.allocate(Long.BYTES + head.length + at).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(head.length).put(head);
    tensors.values().forEach(tensor -> tensor.write(bytes));
    return Files.write(file, bytes.array());
  }
}
