package io.shardlight.diffusion.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SafetensorsReaderTest {
  private static final String ONE_FLOAT =
      "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}".replace('\'', '"');

  private final Path folder;

  SafetensorsReaderTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void readsEachFloatTypeAndToleratesIntegers() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(26).order(ByteOrder.LITTLE_ENDIAN);
    data.putLong(77).putFloat(1.5f).putFloat(-2.25f);
    data.putShort((short) 0x3c00).putShort((short) 0xc100); // float16 1 and -2.5
    data.putShort((short) 0x3f80).putShort((short) 0xc020); // bfloat16 1 and -2.5
    data.putShort((short) 0x0001); // float16 2^-24
    Path file =
        write(
            """
            {'__metadata__':{'format':'pt'},
             'half':{'dtype':'F16','shape':[2,1],'data_offsets':[16,20]},
             'ids':{'dtype':'I64','shape':[1,1],'data_offsets':[0,8]},
             'single':{'dtype':'F32','shape':[2],'data_offsets':[8,16]},
             'brain':{'shape':[2],'dtype':'BF16','data_offsets':[20,24]},
             'scalar':{'dtype':'F16','shape':[],'data_offsets':[24,26]},
             'empty':{'dtype':'F32','shape':[0,3],'data_offsets':[26,26]}}
            """,
            data.array());

    Map<String, StoredTensor> tensors = SafetensorsReader.read(file);

    assertThat(tensors.keySet())
        .containsExactly("half", "ids", "single", "brain", "scalar", "empty");
    assertThat(read(tensors, "single", 0, 2)).containsExactly(1.5f, -2.25f);
    assertThat(read(tensors, "half", 0, 2)).containsExactly(1, -2.5f);
    assertThat(read(tensors, "half", 1, 1)).containsExactly(-2.5f);
    assertThat(read(tensors, "brain", 0, 2)).containsExactly(1, -2.5f);
    assertThat(read(tensors, "scalar", 0, 1)).containsExactly(0x1p-24f);
    assertThat(read(tensors, "empty", 0, 0)).isEmpty();
    assertThat(tensor(tensors, "half").shape()).isEqualTo(new Shape(2, 1));
    assertThat(tensor(tensors, "half").dataType()).isEqualTo(DataType.FLOAT16);
    assertThat(tensor(tensors, "ids").dataType()).isEqualTo(DataType.INT64);
    assertThatThrownBy(() -> read(tensors, "ids", 0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("\"ids\" holds int64");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
  void headerLengthNeedNotBeMultipleOfEight(int padding) throws IOException {
    byte[] data = {0, 0, (byte) 0xc0, 0x3f};
    String header = ONE_FLOAT + " ".repeat(padding);

    Path file = write(header, data);
    Map<String, StoredTensor> tensors = SafetensorsReader.read(file);

    assertThat(read(tensors, "a", 0, 1)).containsExactly(1.5f);
    assertThat(tensor(tensors, "a").region())
        .contains(new FileRegion(file, 8 + header.length(), 4));
  }

  @Test
  void readsPastTwoGibibytes() throws IOException {
    long halves = (1L << 30) + 3; // more than 2^31 bytes: two mappings
    long bytes = 2 * halves;
    String header =
        ("{'big':{'dtype':'F16','shape':[%d],'data_offsets':[0,%d]},"
                + "'last':{'dtype':'F32','shape':[2],'data_offsets':[%d,%d]}}")
            .formatted(halves, bytes, bytes, bytes + 8)
            .replace('\'', '"');
    Path path = folder.resolve("sparse.safetensors");
    long dataStart = 8L + header.length();
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(header.length()));
      file.write(header.getBytes(StandardCharsets.UTF_8));
      file.seek(dataStart + StoredElements.MAX_MAPPING_BYTES - 2);
      file.write(new byte[] {0, 0x3c, 0, 0x40}); // 1 and 2, across the border of the mappings
      file.seek(dataStart + bytes - 2);
      file.write(new byte[] {0, 0x44, 0, 0, 0, 0, 0, 0, (byte) 0x80, 0x3f}); // 4; 0, 1
    }

    Map<String, StoredTensor> tensors = SafetensorsReader.read(path);

    assertThat(read(tensors, "last", 0, 2)).containsExactly(0, 1);
    assertThat(read(tensors, "big", halves - 1, 1)).containsExactly(4);
    long border = StoredElements.MAX_MAPPING_BYTES / 2;
    assertThat(read(tensors, "big", border - 2, 4)).containsExactly(0, 1, 2, 0);
    assertThat(tensor(tensors, "big").region()).contains(new FileRegion(path, dataStart, bytes));
  }

  @Test
  void refusesToReadOutsideTheTensor() throws IOException {
    Map<String, StoredTensor> tensors = SafetensorsReader.read(write(ONE_FLOAT, new byte[4]));

    assertThatThrownBy(() -> read(tensors, "a", 0, 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("[0, 2) of tensor \"a\", which has 1");
    assertThatThrownBy(() -> read(tensors, "a", -1, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void noticesAFileCutAfterItWasOpened() throws IOException {
    Path file = write(ONE_FLOAT, new byte[4]);
    Map<String, StoredTensor> tensors = SafetensorsReader.read(file);
    Files.write(file, new byte[9]);

    assertThatThrownBy(() -> read(tensors, "a", 0, 1))
        .isInstanceOf(UncheckedIOException.class)
        .cause()
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageContaining("byte 9")
        .hasMessageContaining("while it is in use");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7})
  void rejectsFileShorterThanHeaderLength(int bytes) throws IOException {
    rejects(writeBytes(new byte[bytes]), 0, "8 bytes of header length wanted, the file has");
  }

  @ParameterizedTest
  @CsvSource({"-1", "-9223372036854775808", "9223372036854775807", "2147483648", "59", "1", "0"})
  void rejectsAbsurdHeaderLength(long length) throws IOException {
    // 54 bytes of header and 4 of data follow: 59 is one too many.
    Path file = writeBytes(bytes(length, ONE_FLOAT, StandardCharsets.UTF_8, new byte[4]));

    rejects(
        file, 0, "between 2 and 58 in a file of 66 bytes, but is " + Long.toUnsignedString(length));
  }

  @Test
  void rejectsHeaderLongerThanTheFormatAllows() throws IOException {
    Path path = folder.resolve("huge.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(100_000_001));
      file.setLength(200_000_000);
    }

    rejects(path, 0, "between 2 and 100000000");
  }

  @Test
  void rejectsTruncatedFile() throws IOException {
    byte[] whole = Files.readAllBytes(write(ONE_FLOAT, new byte[4]));
    for (int length = 0; length < whole.length; length++) {
      Path file = writeBytes(java.util.Arrays.copyOf(whole, length));

      assertThatThrownBy(() -> SafetensorsReader.read(file))
          .as("cut to %s bytes", length)
          .isInstanceOf(MalformedWeightsException.class)
          .hasMessageStartingWith(file + ", byte ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'a'",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}",
        "{'a':{'dtype':'F32','shape':[1,],'data_offsets':[0,4]}}",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}}}",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} x",
        "{'a':{'dtype':'F32','shape':[99999999999999999999],'data_offsets':[0,4]}}",
        "{'\u0000':1}"
      })
  void rejectsBadJson(String header) throws IOException {
    Path file = write(header, new byte[4]);

    assertThatThrownBy(() -> SafetensorsReader.read(file))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageContaining("not proper JSON")
        .asInstanceOf(type(MalformedWeightsException.class))
        .satisfies(e -> assertThat(e.offset()).isBetween(9L, 8L + header.length()))
        .satisfies(e -> assertThat(e.path()).isEqualTo(file));
  }

  @Test
  void rejectsHeaderThatIsNotUtf8() throws IOException {
    byte[] utf16 = bytes(108, ONE_FLOAT, StandardCharsets.UTF_16LE, new byte[4]);
    rejects(writeBytes(utf16), 8, "UTF-8");
    byte[] latin =
        bytes(54, ONE_FLOAT.replace('a', '\u00e9'), StandardCharsets.ISO_8859_1, new byte[4]);
    rejects(writeBytes(latin), -1, "not proper JSON");
    rejects(write("[[1,2]]", new byte[0]), 8, "begin with \"{\"");
  }

  @Test
  void rejectsDeepNesting() throws IOException {
    String header = "{'__metadata__':" + "{'a':".repeat(100_000) + "1" + "}".repeat(100_001);
    rejects(write(header, new byte[0]), -1, "not proper JSON");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        // Duplicates.
        "{'a':F32 [1] @0-4, 'a':F32 [1] @4-8} | Duplicate field 'a'",
        "{'a':{'dtype':'F32','dtype':'F32','shape':[2],'data_offsets':[0,8]}} | Duplicate field",
        // Places.
        "{'a':F32 [1] @0-4, 'b':F32 [1] @0-4} | begins at data offset 0, but the tensor before it"
            + " ends at 4: they overlap",
        "{'a':F32 [2] @0-8, 'b':F32 [1] @4-8} | they overlap",
        "{'a':F32 [1] @4-8} | there is a gap",
        "{'a':F32 [1] @0-4} | the last tensor ends here, but 4 bytes more follow",
        "{'a':F32 [3] @0-12} | within the 8 bytes",
        "{'a':F32 [1] @8-4} | must lie in order",
        "{'a':F32 [1] @9223372036854775803-9223372036854775807} | within the 8 bytes",
        "{'a':F32 [1] @-4-0} | must not be negative, but is -4",
        "{} | 8 bytes more follow",
        // Sizes.
        "{'a':F32 [3] @0-8} | needs 12 bytes, but its data_offsets span 8",
        "{'a':F16 [2] @0-8} | needs 4 bytes, but its data_offsets span 8",
        "{'a':F32 [] @0-8} | needs 4 bytes",
        "{'a':F32 [4611686018427387904,4] @0-8} | more than 2^63 bytes",
        "{'a':F32 [4294967296,4294967296] @0-8} | more than 2^63 bytes",
        "{'a':F32 [-2] @0-8} | must not be negative, but is -2",
        "{'a':F32 [-1,-2] @0-8} | must not be negative, but is -1",
        "{'a':F32 [2.0] @0-8} | VALUE_NUMBER_INT wanted, but found VALUE_NUMBER_FLOAT",
        "{'a':F32 [[2]] @0-8} | VALUE_NUMBER_INT wanted, but found START_ARRAY",
        // Types and fields.
        "{'a':Q32 [2] @0-8} | has dtype \"Q32\", which is not supported",
        "{'a':f32 [2] @0-8} | has dtype \"f32\"",
        "{'a':{'dtype':7,'shape':[2],'data_offsets':[0,8]}} | VALUE_STRING wanted",
        "{'a':{'shape':[2],'data_offsets':[0,8]}} | needs a dtype, a shape and two data_offsets",
        "{'a':{'dtype':'F32','data_offsets':[0,8]}} | needs a dtype",
        "{'a':{'dtype':'F32','shape':[2]}} | needs a dtype",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}} | two data_offsets",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8],'x':1}} | unknown field \"x\"",
        "{'a':3} | START_OBJECT wanted, but found VALUE_NUMBER_INT",
        "{'__metadata__':3} | START_OBJECT wanted",
      })
  void rejectsHeaderThatBreaksARule(String sketch, String message) throws IOException {
    String header =
        sketch.replaceAll(
            "(\\w+) (\\[\\S*\\]) @(-?\\d+)-(\\d+)",
            "{'dtype':'$1','shape':$2,'data_offsets':[$3,$4]}");

    rejects(write(header, new byte[8]), -1, message);
  }

  /**
   * @param offset negative if any will do
   */
  private static void rejects(Path file, long offset, String message) {
    assertThatThrownBy(() -> SafetensorsReader.read(file))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(file + ", byte ")
        .hasMessageContaining(message)
        .asInstanceOf(type(MalformedWeightsException.class))
        .satisfies(e -> assertThat(e.offset()).isGreaterThanOrEqualTo(0))
        .satisfies(
            e -> {
              if (offset >= 0) {
                assertThat(e.offset()).isEqualTo(offset);
              }
            });
  }

  private Path write(String header, byte[] data) throws IOException {
    String json = header.replace('\'', '"');
    return writeBytes(bytes(json.length(), json, StandardCharsets.UTF_8, data));
  }

  private Path writeBytes(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("test.safetensors"), bytes);
  }

  private static byte[] bytes(long length, String header, Charset charset, byte[] data) {
    byte[] json = header.getBytes(charset);
    return ByteBuffer.allocate(8 + json.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(json)
        .put(data)
        .array();
  }

  private static ParameterData tensor(Map<String, StoredTensor> tensors, String name) {
    return java.util.Objects.requireNonNull(tensors.get(name), name);
  }

  private static float[] read(
      Map<String, StoredTensor> tensors, String name, long start, int count) {
    FloatBuffer target = FloatBuffer.allocate(count);
    tensor(tensors, name).read(start, target);
    assertThat(target.hasRemaining()).isFalse();
    return target.array();
  }
}
