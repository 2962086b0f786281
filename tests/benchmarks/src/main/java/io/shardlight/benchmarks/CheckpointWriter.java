package io.shardlight.benchmarks;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Writes a diffusers folder from a description: for each component its configuration and the names,
 * types and shapes of its tensors, in the file's order. Values come from {@link WeightFormula};
 * int64 tensors count from zero. Pieces are computed on all processors and written where they
 * belong, so that memory stays small.
 */
final class CheckpointWriter {
  private static final List<String> COMPONENTS = List.of("text_encoder", "vae", "unet");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String description;
  private final int pieceBytes;

  /**
   * @param description JSON text like {@code sd14.json}
   * @param pieceBytes how much is computed at once; a multiple of 8
   */
  CheckpointWriter(String description, int pieceBytes) {
    this.description = description;
    this.pieceBytes = pieceBytes;
  }

  /** One tensor and its place behind the header. */
  private record Tensor(String name, String dtype, List<Long> shape, long begin, long end) {}

  /**
   * Writes everything, {@code model_index.json} last.
   *
   * @throws IOException if the folder holds a model already, or writing fails
   */
  void write(Path folder) throws IOException {
    Path index = folder.resolve("model_index.json");
    if (Files.exists(index)) {
      throw new IOException(index + " exists already; delete the folder to make it anew");
    }
    JsonNode all = JSON.readTree(description);
    for (String component : COMPONENTS) {
      Path home = Files.createDirectories(folder.resolve(component));
      writeJson(home.resolve("config.json"), component, "config");
      JsonNode node = all.path(component);
      writeWeights(home.resolve(node.path("file").asText()), component, tensors(node));
    }
    Files.createDirectories(folder.resolve("scheduler"));
    writeJson(folder.resolve("scheduler/scheduler_config.json"), "scheduler");
    writeJson(index, "model_index");
  }

  private static List<Tensor> tensors(JsonNode component) {
    List<Tensor> tensors = new ArrayList<>();
    long at = 0;
    for (Iterator<Map.Entry<String, JsonNode>> i = component.path("tensors").fields();
        i.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = i.next();
      String dtype = entry.getValue().path(0).asText();
      List<Long> shape = new ArrayList<>();
      entry.getValue().path(1).forEach(size -> shape.add(size.asLong()));
      long count = shape.stream().reduce(1L, Math::multiplyExact);
      long end =
          at
              + switch (dtype) {
                case "F32" -> 4 * count;
                case "I64" -> 8 * count;
                default ->
                    throw new IllegalArgumentException(
                        entry.getKey() + " has dtype " + dtype + ", but F32 or I64 is known");
              };
      tensors.add(new Tensor(entry.getKey(), dtype, shape, at, end));
      at = end;
    }
    return tensors;
  }

  private void writeWeights(Path file, String component, List<Tensor> tensors) throws IOException {
    byte[] header = header(tensors);
    ExecutorService executor =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer prefix = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
      writeFully(channel, prefix.putLong(header.length).put(header).flip(), 0);
      List<Future<?>> pieces = new ArrayList<>();
      for (Tensor tensor : tensors) {
        for (long at = tensor.begin; at < tensor.end; at += pieceBytes) {
          long from = at;
          pieces.add(
              executor.submit(
                  () -> {
                    ByteBuffer piece = piece(component, tensor, from);
                    writeFully(channel, piece, prefix.capacity() + from);
                    return null;
                  }));
        }
      }
      for (Future<?> piece : pieces) {
        piece.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("cannot write " + file + ": " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while writing " + file, e);
    } finally {
      executor.shutdownNow();
    }
  }

  private ByteBuffer piece(String component, Tensor tensor, long from) {
    int length = (int) Math.min(pieceBytes, tensor.end - from);
    ByteBuffer piece = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.dtype.equals("F32")) {
      WeightFormula formula = new WeightFormula(component, tensor.name, tensor.shape);
      formula.fill((from - tensor.begin) / 4, piece);
    } else {
      for (long i = (from - tensor.begin) / 8; piece.hasRemaining(); i++) {
        piece.putLong(i);
      }
    }
    return piece.flip();
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes, long offset)
      throws IOException {
    for (long at = offset; bytes.hasRemaining(); ) {
      at += channel.write(bytes, at);
    }
  }

  /** The header as Python's {@code json.dumps(header, separators=(",", ":"))} has it. */
  private static byte[] header(List<Tensor> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    for (Tensor tensor : tensors) {
      ObjectNode entry = header.putObject(tensor.name).put("dtype", tensor.dtype);
      tensor.shape.forEach(entry.putArray("shape")::add);
      entry.putArray("data_offsets").add(tensor.begin).add(tensor.end);
    }
    return JSON.writeValueAsBytes(header);
  }

  /**
   * Copies a part of the description as Python's {@code json.dump(part, indent=2)} writes it,
   * numbers letter by letter.
   */
  private void writeJson(Path file, String... keys) throws IOException {
    DefaultIndenter lines = new DefaultIndenter("  ", "\n");
    PythonPrinter python = new PythonPrinter();
    python.indentObjectsWith(lines);
    python.indentArraysWith(lines);
    StringWriter text = new StringWriter();
    JsonFactory factory = JSON.getFactory();
    try (JsonParser in = factory.createParser(description);
        JsonGenerator out = factory.createGenerator(text).setPrettyPrinter(python)) {
      in.nextToken();
      for (String key : keys) {
        while (!(in.nextToken() == JsonToken.FIELD_NAME && in.currentName().equals(key))) {
          if (in.currentToken() == JsonToken.FIELD_NAME) {
            in.nextToken();
            in.skipChildren();
          } else {
            throw new IOException("the description lacks " + String.join("/", keys));
          }
        }
        in.nextToken();
      }
      int depth = 0;
      do {
        if (in.currentToken().isNumeric()) {
          out.writeNumber(in.getText());
        } else {
          out.copyCurrentEvent(in);
        }
        depth += in.currentToken().isStructStart() ? 1 : in.currentToken().isStructEnd() ? -1 : 0;
      } while (depth > 0 && in.nextToken() != null);
    }
    Files.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** {@code "key": value} without a space before the colon. */
  private static final class PythonPrinter extends DefaultPrettyPrinter {
    private static final long serialVersionUID = 1L;

    PythonPrinter() {}

    private PythonPrinter(PythonPrinter base) {
      super(base);
    }

    @Override
    public DefaultPrettyPrinter createInstance() {
      return new PythonPrinter(this);
    }

    @Override
    public void writeObjectFieldValueSeparator(JsonGenerator out) throws IOException {
      out.writeRaw(": ");
    }
  }
}
