package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files are pyarrow's; README.md beside them tells how they were made. */
class ParquetFormatTest {
  @Test
  void everyTypeIsCarriedAsJsonSpellsIt() throws Exception {
    ReadRecords read = read("types.parquet");

    assertThat(read.prompts().get(0).carried())
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                Map.entry("tags", "[\"a\",null,\"b\"]"),
                Map.entry("empty", "[]"),
                Map.entry("box", "{\"x\":1,\"y\":null}"),
                Map.entry("sizes", "{\"w\":1,\"h\":2}"),
                Map.entry("day", "2026-01-31"),
                Map.entry("utc", "2026-01-31T12:00:00.250Z"),
                Map.entry("local", "2026-01-31T12:00:00.250"),
                Map.entry("time", "12:00:00.250"),
                Map.entry("price", "12.50"),
                Map.entry("yes", "true"),
                Map.entry("half", "0.1"),
                Map.entry("big", "18446744073709551615"),
                Map.entry("raw", "/wA=")));
  }

  @Test
  void oldTimestampsAreInstants() throws Exception {
    assertThat(read("int96.parquet").prompts().get(0).carried())
        .containsExactly(Map.entry("utc", "2026-01-31T12:00:00.250Z"));
  }

  @Test
  void rowsGoOnOverPagesAndRowGroups() throws Exception {
    ReadRecords read = read("pages.parquet");

    assertThat(read.prompts()).hasSize(20_000);
    for (int i = 0; i < 20_000; i++) {
      assertThat(read.prompts().get(i).source().line()).isEqualTo(i + 1);
      assertThat(read.prompts().get(i).text()).isEqualTo("prompt " + i + " of many");
      assertThat(read.prompts().get(i).carried())
          .containsExactly(
              Map.entry("tags", new String[] {"[]", "[\"t\"]", "[\"t\",\"t\"]"}[i % 3]));
    }
  }

  @Test
  void aTextThatIsNotUtf8CostsItsRowOnly() throws Exception {
    ReadRecords read = read("latin1.parquet");

    assertThat(read.texts()).containsExactly("1: a fox", "3: an owl");
    assertThat(read.rejections())
        .containsExactly("2: a column can't be read: wanted UTF-8, but found other bytes");
  }

  @Test
  void aFileWithoutRowsHasNoPrompts() throws Exception {
    assertThat(read("no-rows.parquet")).isEqualTo(ReadRecords.of("p.txt", ""));
  }

  @Test
  void aFileWithoutAPromptColumnFails() {
    assertThatThrownBy(() -> read("no-prompt.parquet"))
        .isInstanceOf(IOException.class)
        .hasMessage("wanted one of the columns [prompt, caption, text], but found [words]");
  }

  @Test
  void aCodecThatIsNotThereFailsByItsName() {
    assertThatThrownBy(() -> read("brotli.parquet"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("row 1 can't be decoded")
        .hasMessageContaining("but found BROTLI");
  }

  @Test
  void aStreamThatCannotBeSoughtFails() throws Exception {
    InputStream stream = new ByteArrayInputStream(bytes("same-none.parquet"));

    assertThatThrownBy(() -> ReadRecords.of("p.parquet", Channels.newChannel(stream)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not a stream");
  }

  @Test
  void aFileOfThePlainFileSystemCanBeSought(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("p.parquet"), bytes("same-none.parquet"));

    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      assertThat(ReadRecords.of(file.toString(), channel).prompts()).hasSize(3);
    }
  }

  @Test
  void aFileThatBreaksOffAnywhereFails() throws Exception {
    byte[] bytes = bytes("same-snappy.parquet");
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> read(cut)).as("%d bytes", length).isInstanceOf(IOException.class);
    }
  }

  /** Whatever is damaged, it is the file's fault and said to be so. */
  @Test
  void damageAnywhereIsReadOrFailsTheFile() throws Exception {
    for (String name : new String[] {"same-none.parquet", "same-zstd-v2.parquet"}) {
      byte[] bytes = bytes(name);
      int failures = 0;
      for (int i = 0; i < bytes.length; i++) {
        byte[] damaged = bytes.clone();
        damaged[i] ^= (byte) 0xFF;
        try {
          read(damaged);
        } catch (IOException e) {
          failures++;
        }
      }
      assertThat(failures).isGreaterThan(bytes.length / 10);
    }
  }

  static ReadRecords read(String fixture) throws IOException {
    return read(bytes(fixture));
  }

  private static ReadRecords read(byte[] bytes) throws IOException {
    return ReadRecords.of("p.parquet", bytes);
  }

  private static byte[] bytes(String fixture) throws IOException {
    try (InputStream in = ParquetFormatTest.class.getResourceAsStream(fixture)) {
      return Objects.requireNonNull(in, fixture).readAllBytes();
    }
  }
}
