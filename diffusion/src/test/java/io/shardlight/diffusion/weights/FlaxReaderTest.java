package io.shardlight.diffusion.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.core.MessagePacker;

/** Files are packed by msgpack-core, an encoder that knows nothing of the reader. */
final class FlaxReaderTest {
  private final Path folder;

  FlaxReaderTest(@TempDir Path folder) {
    this.folder = folder;
  }

  /** Packs something. */
  private interface Content {
    void pack(MessagePacker packer) throws IOException;
  }

  @Test
  void turnsDenseKernelIntoPyTorchWeight() throws IOException {
    // in = 2, out = 3
    Path file =
        write(
            tree ->
                tree.packMapHeader(1)
                    .packString("proj")
                    .packMapHeader(2)
                    .packString("kernel")
                    .addPayload(ndarray("float32", floats(11, 12, 13, 21, 22, 23), 2, 3))
                    .packString("bias")
                    .addPayload(ndarray("float32", floats(7, 8, 9), 3)));

    Map<String, StoredTensor> tensors = FlaxReader.read(file, FlaxNaming.DIFFUSERS);

    assertThat(tensors.keySet()).containsExactly("proj.weight", "proj.bias");
    StoredTensor weight = tensor(tensors, "proj.weight");
    assertThat(weight.shape()).isEqualTo(new Shape(3, 2));
    assertThat(read(weight)).containsExactly(11, 21, 12, 22, 13, 23);
    assertThat(weight.region()).isEmpty();
    StoredTensor bias = tensor(tensors, "proj.bias");
    assertThat(bias.region()).contains(new FileRegion(file, Files.size(file) - 12, 12));
    assertThat(read(bias)).containsExactly(7, 8, 9);
  }

  @Test
  void turnsConvolutionKernelIntoPyTorchWeight() throws IOException {
    int height = 2;
    int width = 3;
    int in = 5;
    int out = 37; // not a multiple of the rows transposed together
    float[] stored = new float[height * width * in * out];
    float[] wanted = new float[stored.length];
    int at = 0;
    for (int h = 0; h < height; h++) {
      for (int w = 0; w < width; w++) {
        for (int i = 0; i < in; i++) {
          for (int o = 0; o < out; o++) {
            float value = at + 0.5f;
            stored[at++] = value;
            wanted[((o * in + i) * height + h) * width + w] = value;
          }
        }
      }
    }
    Path file =
        write(
            tree ->
                tree.packMapHeader(1)
                    .packString("kernel")
                    .addPayload(ndarray("float32", floats(stored), height, width, in, out)));

    StoredTensor weight = tensor(FlaxReader.read(file, FlaxNaming.DIFFUSERS), "weight");

    assertThat(weight.shape()).isEqualTo(new Shape(out, in, height, width));
    assertThat(read(weight)).isEqualTo(wanted);
    for (int start : new int[] {0, 1, 29, 30, 31, 500, wanted.length - 1}) {
      for (int count : new int[] {0, 1, 30, 480, 600}) {
        int length = Math.min(count, wanted.length - start);
        FloatBuffer target = FloatBuffer.allocate(length + 2);
        target.position(1).limit(1 + length);
        weight.read(start, target);
        assertThat(target.position()).isEqualTo(1 + length);
        assertThat(Arrays.copyOfRange(target.array(), 1, 1 + length))
            .as("%s from %s", length, start)
            .isEqualTo(Arrays.copyOfRange(wanted, start, start + length));
        assertThat(target.array()[0]).isZero();
        assertThat(target.array()[length + 1]).isZero();
      }
    }
  }

  @Test
  void joinsIndicesAsDiffusersDid() throws IOException {
    byte[] leaf = ndarray("bfloat16", new byte[] {(byte) 0xc0, 0x3f}, 1);
    Path file =
        write(
            tree -> {
              tree.packMapHeader(2).packString("down_blocks_0").packMapHeader(2);
              tree.packString("conv1").packMapHeader(1).packString("bias").addPayload(leaf);
              tree.packString("net_2").packMapHeader(1).packString("scale").addPayload(leaf);
              tree.packString("time_embedding").packMapHeader(1);
              tree.packString("linear_1").packMapHeader(1).packString("bias").addPayload(leaf);
            });

    Map<String, StoredTensor> joined = FlaxReader.read(file, FlaxNaming.DIFFUSERS);
    assertThat(joined.values())
        .extracting(StoredTensor::name)
        .containsExactly(
            "down_blocks.0.conv1.bias",
            "down_blocks.0.net.2.weight",
            "time_embedding.linear_1.bias");
    assertThat(read(joined.values().iterator().next())).containsExactly(1.5f);
    assertThat(FlaxReader.read(file, FlaxNaming.TRANSFORMERS))
        .containsKey("down_blocks_0.net_2.weight");
  }

  @ParameterizedTest
  @CsvSource({
    "down_blocks.0.attentions.1.to_out.0, down_blocks_0.attentions_1.to_out_0",
    "mid_block.resnets.1.norm2, mid_block.resnets_1.norm2",
    "time_embedding.linear_2, time_embedding.linear_2",
    "a.10.b, a_10.b"
  })
  void diffusersNamesGoThereAndBack(String torch, String flax) {
    assertThat(FlaxNaming.DIFFUSERS.key(torch)).isEqualTo(flax);
    assertThat(FlaxNaming.DIFFUSERS.torchModule(flax)).isEqualTo(torch);
  }

  @Test
  void joinsChunksOfLargeArrays() throws IOException {
    float[] values = new float[26];
    IntStream.range(0, values.length).forEach(i -> values[i] = i);
    Path file =
        write(
            tree -> {
              tree.packMapHeader(2).packString("dense").packMapHeader(1).packString("kernel");
              packChunked(tree, values, 2, 13);
              tree.packString("scale");
              packChunked(tree, values, 26);
            });

    Map<String, StoredTensor> tensors = FlaxReader.read(file, FlaxNaming.DIFFUSERS);

    StoredTensor scale = tensor(tensors, "weight");
    assertThat(scale.region()).isEmpty();
    assertThat(read(scale)).isEqualTo(values);
    StoredTensor kernel = tensor(tensors, "dense.weight");
    assertThat(kernel.shape()).isEqualTo(new Shape(13, 2));
    float[] wanted = new float[26];
    IntStream.range(0, 26).forEach(i -> wanted[i] = values[i % 2 * 13 + i / 2]);
    assertThat(read(kernel)).isEqualTo(wanted);
  }

  /** Chunks of two elements, in lexicographic order of their index, as a sorting writer does. */
  private static void packChunked(MessagePacker packer, float[] values, int... shape)
      throws IOException {
    packer.packMapHeader(3).packString("__msgpack_chunked_array__").packBoolean(true);
    packer.packString("chunks").packMapHeader(values.length / 2);
    for (int i :
        IntStream.range(0, values.length / 2)
            .mapToObj(Integer::toString)
            .sorted()
            .mapToInt(Integer::parseInt)
            .toArray()) {
      packer.packString(Integer.toString(i));
      packer.addPayload(ndarray("float32", floats(values[2 * i], values[2 * i + 1]), 2));
    }
    packer.packString("shape").packMapHeader(shape.length);
    for (int i = 0; i < shape.length; i++) {
      packer.packString(Integer.toString(i)).packInt(shape[i]);
    }
  }

  @Test
  void toleratesIntegerArrays() throws IOException {
    Path file =
        write(
            tree ->
                tree.packMapHeader(1)
                    .packString("position_ids")
                    .addPayload(ndarray("int64", new byte[16], 2)));
    assertThat(tensor(FlaxReader.read(file, FlaxNaming.TRANSFORMERS), "position_ids").dataType())
        .isEqualTo(DataType.INT64);
  }

  @Test
  void rejectsTruncatedFile() throws IOException {
    byte[] whole =
        Files.readAllBytes(
            write(
                tree -> {
                  tree.packMapHeader(2).packString("a").packMapHeader(1).packString("bias");
                  tree.addPayload(ndarray("float32", floats(1, 2), 2));
                  tree.packString("scale");
                  packChunked(tree, new float[] {1, 2, 3, 4}, 4);
                }));
    for (int length = 0; length < whole.length; length++) {
      Path file = write(Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> FlaxReader.read(file, FlaxNaming.DIFFUSERS))
          .as("cut to %s bytes", length)
          .isInstanceOf(MalformedWeightsException.class)
          .hasMessageStartingWith(file + ", byte ");
    }
  }

  @Test
  void rejectsTrailingBytes() throws IOException {
    rejects(bytes(0x80, 0xc0), 1, "bytes follow the end of the parameter tree");
  }

  @Test
  void rejectsWhatIsNoTree() throws IOException {
    rejects(bytes(0x93, 1, 2, 3), 0, "MAP wanted, but found ARRAY");
    rejects(bytes('P', 'K', 3, 4), 0, "MAP wanted, but found INTEGER");
    rejects(bytes(0xc1), 0, "MAP wanted, but found INVALID");
  }

  @Test
  void rejectsKeysThatAreNoStrings() throws IOException {
    rejects(bytes(0x81, 0x07, 0x80), 1, "STRING wanted, but found INTEGER");
    rejects(bytes(0x81, 0xc4, 1, 'a', 0x80), 1, "STRING wanted, but found BINARY");
    rejects(bytes(0x81, 0xa2, 0xc3, 0x28, 0x80), 1, "is not UTF-8");
    rejects(bytes(0x81, 0xa0, 0x80), 1, "an empty key");
  }

  @Test
  void rejectsDuplicateKeys() throws IOException {
    rejects(bytes(0x82, 0xa1, 'a', 0x80, 0xa1, 'a', 0x80), 4, "\"a\" stands twice");
    rejects(bytes(0x81, 0xa1, 'b', 0x82, 0xa1, 'a', 0x80, 0xa1, 'a', 0x80), 7, "\"b.a\" stands");
  }

  @Test
  void rejectsTwoArraysOfOnePyTorchName() throws IOException {
    byte[] leaf = ndarray("float32", floats(1), 1);
    Path file =
        write(
            tree ->
                tree.packMapHeader(2)
                    .packString("scale")
                    .addPayload(leaf)
                    .packString("embedding")
                    .addPayload(leaf));
    rejects(Files.readAllBytes(file), -1, "second tensor with the PyTorch name \"weight\"");
  }

  @Test
  void rejectsAbsurdLengths() throws IOException {
    rejects(bytes(0xdf, 0xff, 0xff, 0xff, 0xff), 5, "the file ends in the middle of a value");
    rejects(bytes(0x81, 0xdb, 0xff, 0xff, 0xff, 0xff), 1, "has 4294967295 bytes, at most 1024");
    rejects(bytes(0x81, 0xda, 0x03, 0xff), 4, "has 1023 bytes, but the file ends after 0");
    rejects(
        bytes(0x81, 0xa1, 'a', 0xc9, 0xff, 0xff, 0xff, 0xff, 1),
        9,
        "has 4294967295 bytes, but the file ends after 0");
    // An array whose bytes claim to go beyond the file, and one with four billion axes.
    rejects(
        leaf(0x93, 0x91, 1, 0xa7, "float32", 0xc6, 0xff, 0xff, 0xff, 0xff),
        -1,
        "has 4294967295 bytes, but the file ends after 0");
    rejects(leaf(0x93, 0xdd, 0xff, 0xff, 0xff, 0xff), -1, "4294967295 axes, at most 32");
  }

  @Test
  void rejectsDeepNesting() throws IOException {
    ByteArrayOutputStream nested = new ByteArrayOutputStream();
    for (int i = 0; i < 100_000; i++) {
      nested.writeBytes(bytes(0x81, 0xa1, 'a'));
    }
    rejects(nested.toByteArray(), -1, "nested more than 64 deep");
  }

  @Test
  void rejectsWrongExtensionType() throws IOException {
    byte[] file = leaf(0x93, 0x91, 1, 0xa7, "float32", 0xc4, 4, 0, 0, 0, 0);
    assertThat(FlaxReader.read(write(file), FlaxNaming.DIFFUSERS)).containsKey("a");
    file[5] = 2; // numbers of Python's complex type
    rejects(file, 3, "\"a\" is an extension of type 2, but arrays have type 1");
    file[5] = (byte) 0xff;
    rejects(file, 3, "type -1");
  }

  @Test
  void rejectsLeavesThatAreNoArrays() throws IOException {
    rejects(bytes(0x81, 0xa1, 'a', 0xca, 0, 0, 0, 0), 3, "must be a map or an array, but is FLOAT");
    rejects(bytes(0x81, 0xa1, 'a', 0xc0), 3, "must be a map or an array, but is NIL");
    rejects(leaf(0x92, 0x91, 1, 0xa7, "float32"), 3, "has 2 parts, 3 wanted");
    rejects(leaf(0x81, 0x91, 1), -1, "ARRAY wanted, but found MAP");
    rejects(leaf(0x93, 1, 1, 1), -1, "ARRAY wanted, but found INTEGER");
    rejects(leaf(0x93, 0x91, 1, 7, 0xc4, 0), -1, "STRING wanted, but found INTEGER");
    rejects(leaf(0x93, 0x91, 1, 0xa7, "float32", 0xa0), -1, "BINARY wanted, but found STRING");
    rejects(leaf(0x93, 0x91, 1, 0xa9, "complex64", 0xc4, 0), -1, "dtype \"complex64\", which is");
    rejects(
        leaf(0x93, 0x91, 1, 0xa7, "float32", 0xc4, 4, 0, 0, 0, 0, 0xc0), 3, "but its extension at");
  }

  @Test
  void rejectsSizesThatDoNotFitTheShape() throws IOException {
    rejects(
        leaf(0x93, 0x91, 2, 0xa7, "float32", 0xc4, 4, 0, 0, 0, 0),
        3,
        "of shape (2) and dtype float32 needs 8 bytes, but has 4");
    rejects(
        leaf(0x93, 0x91, 0xff, 0xa7, "float32", 0xc4, 4, 0, 0, 0, 0), -1, "[0, 2^63), but is -1");
    rejects(
        leaf(0x93, 0x91, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0, 0xa7, "float32", 0xc4, 0), -1, "2^63)");
    int[] huge = {0xcf, 0x40, 0, 0, 0, 0, 0, 0, 0};
    rejects(
        leaf(0x93, 0x92, huge, huge, 0xa7, "float32", 0xc4, 0), 3, "needs more than 2^63 bytes");
    byte[] kernel =
        Files.readAllBytes(
            write(
                tree ->
                    tree.packMapHeader(1)
                        .packString("kernel")
                        .addPayload(ndarray("float32", floats(1, 2), 1, 1, 2))));
    rejects(kernel, -1, "has shape (1, 1, 2), but 2 or 4 axes are known");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "shape | needs a shape and chunks",
        "chunks | needs a shape and chunks",
        "shape shape | the key \"shape\" twice",
        "other | the key \"other\" twice or needlessly",
        "short chunks | of shape (3) and dtype float32 needs 12 bytes, but has 8",
        "mixed shape | mixes chunks of float32 and float16",
        "gap shape | has an index \"1\" of 1",
        "word shape | has an index \"x\" of 1",
        "repeated shape | has an index \"0\" of 2"
      })
  void rejectsDamagedChunks(String parts, String message) throws IOException {
    byte[] chunk = ndarray("float32", floats(1, 2), 2);
    String[] entries = parts.split(" ", -1);
    Path file =
        write(
            tree -> {
              tree.packMapHeader(1).packString("a").packMapHeader(1 + entries.length);
              tree.packString("__msgpack_chunked_array__").packBoolean(true);
              for (String entry : entries) {
                switch (entry) {
                  case "shape" -> packSequence(tree, "shape", "0", p -> p.packInt(2));
                  case "short" -> packSequence(tree, "shape", "0", p -> p.packInt(3));
                  case "chunks" -> packSequence(tree, "chunks", "0", p -> p.addPayload(chunk));
                  case "gap" -> packSequence(tree, "chunks", "1", p -> p.addPayload(chunk));
                  case "word" -> packSequence(tree, "chunks", "x", p -> p.addPayload(chunk));
                  case "repeated" -> {
                    tree.packString("chunks").packMapHeader(2);
                    tree.packString("0").addPayload(chunk).packString("0").addPayload(chunk);
                  }
                  case "mixed" -> {
                    tree.packString("chunks").packMapHeader(2).packString("0").addPayload(chunk);
                    tree.packString("1").addPayload(ndarray("float16", new byte[2], 1));
                  }
                  default -> tree.packString(entry).packInt(1);
                }
              }
            });

    rejects(Files.readAllBytes(file), -1, message);
  }

  private static void packSequence(MessagePacker packer, String name, String key, Content element)
      throws IOException {
    packer.packString(name).packMapHeader(1).packString(key);
    element.pack(packer);
  }

  /**
   * @param offset negative if any will do
   */
  private void rejects(byte[] bytes, long offset, String message) throws IOException {
    Path file = write(bytes);
    assertThatThrownBy(() -> FlaxReader.read(file, FlaxNaming.DIFFUSERS))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(file + ", byte ")
        .hasMessageContaining(message)
        .asInstanceOf(type(MalformedWeightsException.class))
        .satisfies(
            e -> {
              if (offset >= 0) {
                assertThat(e.offset()).isEqualTo(offset);
              }
            });
  }

  private Path write(Content content) throws IOException {
    try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
      content.pack(packer);
      return write(packer.toByteArray());
    }
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("diffusion_flax_model.msgpack"), bytes);
  }

  /** A tree of one array "a", whose payload is given as numbers below 256 and ASCII texts. */
  private static byte[] leaf(Object... payload) {
    ByteArrayOutputStream inner = new ByteArrayOutputStream();
    for (Object part : payload) {
      if (part instanceof String text) {
        text.chars().forEach(inner::write);
      } else if (part instanceof int[] numbers) {
        inner.writeBytes(bytes(numbers));
      } else {
        inner.write((Integer) part);
      }
    }
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(bytes(0x81, 0xa1, 'a', 0xc7, inner.size(), 1));
    file.writeBytes(inner.toByteArray());
    return file.toByteArray();
  }

  /** An array as {@code flax.serialization} packs it. */
  private static byte[] ndarray(String dtype, byte[] data, int... shape) {
    try (MessageBufferPacker inner = MessagePack.newDefaultBufferPacker();
        MessageBufferPacker outer = MessagePack.newDefaultBufferPacker()) {
      inner.packArrayHeader(3).packArrayHeader(shape.length);
      for (int size : shape) {
        inner.packInt(size);
      }
      inner.packString(dtype).packBinaryHeader(data.length).addPayload(data);
      byte[] payload = inner.toByteArray();
      outer.packExtensionTypeHeader((byte) 1, payload.length).addPayload(payload);
      return outer.toByteArray();
    } catch (IOException e) {
      throw new AssertionError("packing in memory cannot fail", e);
    }
  }

  private static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static StoredTensor tensor(Map<String, StoredTensor> tensors, String key) {
    return Objects.requireNonNull(tensors.get(key), key);
  }

  private static float[] read(StoredTensor tensor) {
    FloatBuffer target = FloatBuffer.allocate((int) tensor.shape().size());
    tensor.read(0, target);
    return target.array();
  }
}
