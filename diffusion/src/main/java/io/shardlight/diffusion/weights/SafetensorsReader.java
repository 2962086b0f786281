package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of a safetensors file: 8 bytes of length, JSON, then the tensors' bytes without
 * a gap.
 *
 * <p>The checks are those of the format's own library, and hold before anything is allocated by
 * what the file says. A header length that is no multiple of 8 is fine: older files have such.
 *
 * @see <a href="https://github.com/huggingface/safetensors#format">The format</a>
 */
final class SafetensorsReader {
  /** The limit of safetensors' own reader. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;
  private static final String DOWNLOAD_AGAIN = "the file is damaged, download or save it again";
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Path file;
  private final long dataStart;
  private final long dataLength;

  private SafetensorsReader(Path file, long dataStart, long dataLength) {
    this.file = file;
    this.dataStart = dataStart;
    this.dataLength = dataLength;
  }

  /** One line of the header. */
  private record Entry(
      String name, long headerOffset, DataType dataType, Shape shape, long begin, long end) {}

  /**
   * What a file holds.
   *
   * @param tensors by name, in the header's order
   * @param metadata what the writer noted, by name; no numbers follow from it
   */
  record Contents(Map<String, StoredTensor> tensors, Map<String, String> metadata) {}

  /**
   * Every tensor of the file, by name, in the header's order.
   *
   * @throws MalformedWeightsException if the file breaks a rule of the format
   */
  static Map<String, StoredTensor> read(Path file) throws IOException {
    return contents(file).tensors();
  }

  /**
   * As {@link #read}, with the writer's notes.
   *
   * @throws MalformedWeightsException if the file breaks a rule of the format
   */
  static Contents contents(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < LENGTH_BYTES) {
        throw new MalformedWeightsException(
            file, 0, "8 bytes of header length wanted, the file has " + size, DOWNLOAD_AGAIN);
      }
      long length = readFully(channel, file, 0, LENGTH_BYTES).getLong();
      long limit = Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES);
      if (length < 2 || length > limit) {
        throw new MalformedWeightsException(
            file,
            0,
            "header length must be between 2 and "
                + (limit + " in a file of " + size + " bytes, but is ")
                + Long.toUnsignedString(length),
            "is this a safetensors file, and was it downloaded whole?");
      }
      byte[] header = readFully(channel, file, LENGTH_BYTES, (int) length).array();
      long dataStart = LENGTH_BYTES + length;
      return new SafetensorsReader(file, dataStart, size - dataStart).contents(header);
    }
  }

  private static ByteBuffer readFully(FileChannel channel, Path file, long offset, int length)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, offset + bytes.position()) < 0) {
        throw new MalformedWeightsException(
            file, offset + bytes.position(), "the file ends in its header", DOWNLOAD_AGAIN);
      }
    }
    return bytes.flip();
  }

  private Contents contents(byte[] header) throws IOException {
    // Jackson would take UTF-16 too, which shows in a zero among the first two bytes.
    if (header[0] != '{' || header[1] == 0) {
      throw malformed(LENGTH_BYTES, "the header must be JSON in UTF-8 and begin with \"{\"");
    }
    List<Entry> entries;
    Map<String, String> metadata = new LinkedHashMap<>();
    try (JsonParser json = JSON.createParser(header)) {
      entries = entries(json, metadata);
    } catch (JsonProcessingException e) {
      long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
      MalformedWeightsException malformed =
          malformed(LENGTH_BYTES + at, "the header is not proper JSON: " + e.getOriginalMessage());
      malformed.initCause(e);
      throw malformed;
    }
    checkLayout(entries);
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Entry entry : entries) {
      FileRegion region = new FileRegion(file, dataStart + entry.begin, entry.end - entry.begin);
      StoredElements elements = new StoredElements(entry.dataType, List.of(region));
      tensors.put(entry.name, StoredTensor.of(entry.name, entry.shape, elements));
    }
    return new Contents(tensors, metadata);
  }

  private List<Entry> entries(JsonParser json, Map<String, String> metadata) throws IOException {
    List<Entry> entries = new ArrayList<>();
    json.nextToken();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      if (name.equals("__metadata__")) {
        expect(json, json.nextToken(), JsonToken.START_OBJECT, "__metadata__");
        notes(json, metadata);
      } else {
        entries.add(entry(json, name));
      }
    }
    if (json.nextToken() != null) {
      throw malformed(offset(json), "the header goes on after its closing \"}\"");
    }
    return entries;
  }

  /** Texts by name; whatever else is there is passed over. */
  private static void notes(JsonParser json, Map<String, String> metadata) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      if (json.nextToken() == JsonToken.VALUE_STRING) {
        metadata.put(name, json.getText());
      } else {
        json.skipChildren();
      }
    }
  }

  private Entry entry(JsonParser json, String name) throws IOException {
    long at = offset(json);
    String what = "tensor \"" + name + "\"";
    @Nullable DataType dataType = null;
    long @Nullable [] shape = null;
    long @Nullable [] offsets = null;
    expect(json, json.nextToken(), JsonToken.START_OBJECT, what);
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      switch (field) {
        case "dtype" -> {
          expect(json, json.nextToken(), JsonToken.VALUE_STRING, what + ", dtype");
          String word = json.getText();
          dataType =
              dataType(word)
                  .orElseThrow(
                      () ->
                          malformed(
                              at, what + " has dtype \"" + word + "\", which is not supported"));
        }
        case "shape" -> shape = naturals(json, what + ", shape");
        case "data_offsets" -> offsets = naturals(json, what + ", data_offsets");
        default -> throw malformed(offset(json), what + " has an unknown field \"" + field + "\"");
      }
    }
    if (dataType == null || shape == null || offsets == null || offsets.length != 2) {
      throw malformed(at, what + " needs a dtype, a shape and two data_offsets");
    }
    return entry(name, at, dataType, shape, offsets);
  }

  private Entry entry(String name, long at, DataType dataType, long[] shape, long[] offsets)
      throws MalformedWeightsException {
    String what = "tensor \"" + name + "\"";
    if (offsets[0] > offsets[1] || offsets[1] > dataLength) {
      throw malformed(
          at,
          what
              + (" lies at data_offsets [" + offsets[0] + ", " + offsets[1])
              + ("], but must lie in order within the " + dataLength)
              + " bytes that follow the header");
    }
    Shape dimensions = new Shape(shape);
    long bytes =
        ByteSizes.of(dataType, shape)
            .orElseThrow(
                () -> malformed(at, what + " has shape " + dimensions + ", more than 2^63 bytes"));
    if (bytes != offsets[1] - offsets[0]) {
      throw malformed(
          at,
          what
              + (" of shape " + dimensions + " and dtype " + dataType + " needs " + bytes)
              + (" bytes, but its data_offsets span " + (offsets[1] - offsets[0])));
    }
    return new Entry(name, at, dataType, dimensions, offsets[0], offsets[1]);
  }

  /** Tensors must follow each other without overlap or gap, and fill the file. */
  private void checkLayout(List<Entry> entries) throws MalformedWeightsException {
    List<Entry> byPlace = new ArrayList<>(entries);
    byPlace.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long at = 0;
    for (Entry entry : byPlace) {
      if (entry.begin != at) {
        throw malformed(
            entry.headerOffset,
            ("tensor \"" + entry.name + "\" begins at data offset " + entry.begin)
                + (", but the tensor before it ends at " + at)
                + (entry.begin < at ? ": they overlap" : ": there is a gap"));
      }
      at = entry.end;
    }
    if (at != dataLength) {
      throw malformed(
          dataStart + at,
          "the last tensor ends here, but " + (dataLength - at) + " bytes more follow");
    }
  }

  private long[] naturals(JsonParser json, String what) throws IOException {
    expect(json, json.nextToken(), JsonToken.START_ARRAY, what);
    List<Long> values = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      expect(json, json.currentToken(), JsonToken.VALUE_NUMBER_INT, what);
      long value = json.getLongValue(); // beyond 64 bits: a JsonProcessingException
      if (value < 0) {
        throw malformed(offset(json), what + ": must not be negative, but is " + value);
      }
      values.add(value);
    }
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  private void expect(JsonParser json, @Nullable JsonToken found, JsonToken wanted, String what)
      throws IOException {
    if (found != wanted) {
      throw malformed(offset(json), what + ": " + wanted + " wanted, but found " + found);
    }
  }

  private static Optional<DataType> dataType(String word) {
    return switch (word) {
      case "F32" -> Optional.of(DataType.FLOAT32);
      case "F16" -> Optional.of(DataType.FLOAT16);
      case "BF16" -> Optional.of(DataType.BFLOAT16);
      case "F64" -> Optional.of(DataType.FLOAT64);
      case "I64" -> Optional.of(DataType.INT64);
      case "I32" -> Optional.of(DataType.INT32);
      case "U8" -> Optional.of(DataType.UINT8);
      case "BOOL" -> Optional.of(DataType.BOOLEAN);
      default -> Optional.empty();
    };
  }

  private static long offset(JsonParser json) {
    return LENGTH_BYTES + json.currentTokenLocation().getByteOffset();
  }

  private MalformedWeightsException malformed(long offset, String problem) {
    return new MalformedWeightsException(file, offset, problem, DOWNLOAD_AGAIN);
  }
}
