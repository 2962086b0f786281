package io.shardlight.diffusion.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import io.shardlight.diffusion.weights.MessagePackCursor.Extension;
import io.shardlight.diffusion.weights.MessagePackCursor.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads where the arrays of a Flax checkpoint lie: nested maps whose leaves are extension values of
 * type 1 with {@code (shape, dtype name, bytes)} inside, or, beyond 2^30 bytes, maps of such
 * chunks. Reads the structure only; the arrays' bytes are passed over.
 *
 * @see <a href="https://flax.readthedocs.io/en/latest/_modules/flax/serialization.html">
 *     flax.serialization</a>
 */
final class FlaxReader {
  private static final String CHUNKED = "__msgpack_chunked_array__";
  private static final int NDARRAY = 1;

  // Bounds against hostile files: Stable Diffusion's trees are 8 deep and have 1,500 entries.
  private static final int MAX_DEPTH = 64;
  private static final int MAX_ENTRIES = 1_000_000;
  private static final int MAX_KEY_BYTES = 1024;
  private static final int MAX_RANK = 32;

  private final Path file;
  private final FlaxNaming naming;
  private final MessagePackCursor cursor;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private int entries;

  private FlaxReader(Path file, FlaxNaming naming, MessagePackCursor cursor) {
    this.file = file;
    this.naming = naming;
    this.cursor = cursor;
  }

  /** An array, or a chunk of one. */
  private record Leaf(DataType dataType, Shape shape, FileRegion region) {}

  /**
   * Every array of the file under its PyTorch name, by {@link FlaxNaming#key}, in the file's order.
   *
   * @throws MalformedWeightsException if the file is cut, or not what Flax writes
   */
  static Map<String, StoredTensor> read(Path file, FlaxNaming naming) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MessagePackCursor cursor = new MessagePackCursor(channel, file);
      FlaxReader reader = new FlaxReader(file, naming, cursor);
      long count = cursor.map("the parameter tree");
      reader.level("", "", count, 1);
      if (!cursor.atEnd()) {
        throw cursor.malformed(cursor.position(), "bytes follow the end of the parameter tree");
      }
      return reader.tensors;
    }
  }

  /**
   * Reads the entries of one map.
   *
   * @param prefix the map's path with a dot after it; empty for the tree itself
   * @param firstKey the first key if it was read already, else empty
   */
  private void level(String prefix, String firstKey, long count, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw cursor.malformed(cursor.position(), "maps are nested more than " + MAX_DEPTH + " deep");
    }
    Set<String> keys = new HashSet<>();
    for (long i = 0; i < count; i++) {
      long at = cursor.position();
      String key = i == 0 && !firstKey.isEmpty() ? firstKey : key(prefix);
      if (!keys.add(key)) {
        throw cursor.malformed(at, "key \"" + prefix + key + "\" stands twice in one map");
      }
      String path = prefix + key;
      long valueAt = cursor.position();
      switch (cursor.peek()) {
        case MAP -> branch(path, depth);
        case EXTENSION -> add(path, key, valueAt, leaf(path));
        default ->
            throw cursor.malformed(
                valueAt, "\"" + path + "\" must be a map or an array, but is " + cursor.peek());
      }
    }
  }

  private String key(String prefix) throws IOException {
    if (++entries > MAX_ENTRIES) {
      throw cursor.malformed(cursor.position(), "more than " + MAX_ENTRIES + " entries");
    }
    long at = cursor.position();
    String key = cursor.string("a key of \"" + prefix + "\"", MAX_KEY_BYTES);
    if (key.isEmpty()) {
      throw cursor.malformed(at, "an empty key in \"" + prefix + "\"");
    }
    return key;
  }

  /** A map is a deeper level, or one chunked array, which tells itself by its first key. */
  private void branch(String path, int depth) throws IOException {
    long at = cursor.position();
    long count = cursor.map(path);
    String first = count == 0 ? "" : key(path);
    if (first.equals(CHUNKED)) {
      chunked(path, at, count);
    } else {
      level(path + ".", first, count, depth + 1);
    }
  }

  /** Reads one array. */
  private Leaf leaf(String path) throws IOException {
    long at = cursor.position();
    Extension extension = cursor.extension("\"" + path + "\"");
    if (extension.type() != NDARRAY) {
      throw cursor.malformed(
          at,
          ("\"" + path + "\" is an extension of type " + extension.type())
              + (", but arrays have type " + NDARRAY));
    }
    long end = cursor.position() + extension.length();
    String what = "the array \"" + path + "\"";
    long parts = cursor.array(what);
    if (parts != 3) {
      throw cursor.malformed(at, what + " has " + parts + " parts, 3 wanted: shape, dtype, bytes");
    }
    long rank = cursor.array(what + ", shape");
    if (rank > MAX_RANK) {
      throw cursor.malformed(at, what + " has " + rank + " axes, at most " + MAX_RANK + " wanted");
    }
    long[] shape = new long[(int) rank];
    for (int i = 0; i < rank; i++) {
      shape[i] = cursor.natural(what + ", shape");
    }
    DataType dataType = dataType(what);
    long length = cursor.binary(what + ", bytes");
    FileRegion region = new FileRegion(file, cursor.position(), length);
    cursor.skip(length, what + ", bytes");
    if (cursor.position() != end) {
      throw cursor.malformed(
          at, what + " ends at byte " + cursor.position() + ", but its extension at " + end);
    }
    checkSize(at, what, dataType, shape, length);
    return new Leaf(dataType, new Shape(shape), region);
  }

  private DataType dataType(String what) throws IOException {
    long at = cursor.position();
    String word = cursor.string(what + ", dtype", MAX_KEY_BYTES);
    Optional<DataType> known =
        switch (word) {
          case "float32" -> Optional.of(DataType.FLOAT32);
          case "float16" -> Optional.of(DataType.FLOAT16);
          case "bfloat16" -> Optional.of(DataType.BFLOAT16);
          case "float64" -> Optional.of(DataType.FLOAT64);
          case "int64" -> Optional.of(DataType.INT64);
          case "int32" -> Optional.of(DataType.INT32);
          case "uint8" -> Optional.of(DataType.UINT8);
          case "bool" -> Optional.of(DataType.BOOLEAN);
          default -> Optional.empty();
        };
    return known.orElseThrow(
        () -> cursor.malformed(at, what + " has dtype \"" + word + "\", which is not supported"));
  }

  private void checkSize(long at, String what, DataType dataType, long[] shape, long length)
      throws MalformedWeightsException {
    long wanted = ByteSizes.of(dataType, shape).orElse(-1);
    if (wanted != length) {
      throw cursor.malformed(
          at,
          (what + " of shape " + new Shape(shape) + " and dtype " + dataType + " needs ")
              + (wanted < 0 ? "more than 2^63" : wanted)
              + (" bytes, but has " + length));
    }
  }

  /** Reads {@code {marker: true, "shape": {"0": ...}, "chunks": {"0": array, ...}}}. */
  private void chunked(String path, long at, long count) throws IOException {
    String what = "the chunked array \"" + path + "\"";
    cursor.bool(what);
    long @Nullable [] shape = null;
    @Nullable List<Leaf> chunks = null;
    for (long i = 1; i < count; i++) {
      long keyAt = cursor.position();
      String key = key(path);
      if (key.equals("shape") && shape == null) {
        List<Long> sizes = sequence(what + ", shape", () -> cursor.natural(what + ", shape"));
        shape = sizes.stream().mapToLong(Long::longValue).toArray();
      } else if (key.equals("chunks") && chunks == null) {
        chunks = sequence(what + ", chunks", () -> leaf(path));
      } else {
        throw cursor.malformed(keyAt, what + " has the key \"" + key + "\" twice or needlessly");
      }
    }
    if (shape == null || chunks == null || chunks.isEmpty()) {
      throw cursor.malformed(at, what + " needs a shape and chunks");
    }
    DataType dataType = chunks.get(0).dataType;
    List<FileRegion> regions = new ArrayList<>();
    long length = 0;
    for (Leaf chunk : chunks) {
      if (chunk.dataType != dataType) {
        throw cursor.malformed(
            at, what + " mixes chunks of " + dataType + " and " + chunk.dataType);
      }
      regions.add(chunk.region);
      length += chunk.region.length(); // at most the file's size, as regions do not overlap
    }
    checkSize(at, what, dataType, shape, length);
    String key = path.substring(path.lastIndexOf('.') + 1);
    put(path, key, at, new Shape(shape), new StoredElements(dataType, regions));
  }

  private interface Element<T> {
    T read() throws IOException;
  }

  /** Flax writes sequences as maps from "0", "1", ... */
  private <T> List<T> sequence(String what, Element<T> element) throws IOException {
    long at = cursor.position();
    if (cursor.peek() != Kind.MAP) {
      throw cursor.malformed(at, what + " must be a map, but is " + cursor.peek());
    }
    long count = cursor.map(what);
    Map<Integer, T> byIndex = new TreeMap<>();
    for (long i = 0; i < count; i++) {
      long keyAt = cursor.position();
      String key = key(what);
      if (!key.matches("0|[1-9][0-9]{0,5}")
          || Integer.parseInt(key) >= count
          || byIndex.put(Integer.parseInt(key), element.read()) != null) {
        throw cursor.malformed(keyAt, what + " has an index \"" + key + "\" of " + count);
      }
    }
    return List.copyOf(byIndex.values());
  }

  private void add(String path, String key, long at, Leaf leaf) throws IOException {
    StoredElements elements = new StoredElements(leaf.dataType, List.of(leaf.region));
    put(path, key, at, leaf.shape, elements);
  }

  private void put(String path, String key, long at, Shape shape, StoredElements elements)
      throws IOException {
    String module = path.substring(0, path.length() - key.length());
    String name = naming.torchModule(module) + FlaxNaming.torchLeaf(key);
    boolean kernel = key.equals("kernel");
    if (kernel && shape.dimension() != 2 && shape.dimension() != 4) {
      throw cursor.malformed(
          at, "kernel \"" + path + "\" has shape " + shape + ", but 2 or 4 axes are known");
    }
    StoredTensor tensor =
        kernel
            ? StoredTensor.ofKernel(name, shape, elements)
            : StoredTensor.of(name, shape, elements);
    StoredTensor other = tensors.putIfAbsent(naming.key(name), tensor);
    if (other != null) {
      throw cursor.malformed(
          at, "\"" + path + "\" is a second tensor with the PyTorch name \"" + name + "\"");
    }
  }
}
