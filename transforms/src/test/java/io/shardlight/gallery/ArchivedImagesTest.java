package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ObjectStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Optional;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchivedImagesTest {
  private static final String ARCHIVE = "images/00000.tar";

  private static byte[] tar() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
      for (String name : new String[] {"a.png", "b.png"}) {
        byte[] content = (name + " ").repeat(200).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        TarArchiveEntry entry = new TarArchiveEntry(name);
        entry.setSize(content.length);
        tar.putArchiveEntry(entry);
        tar.write(content);
        tar.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }

  /** A store of one object, whose first whole reader gets what it is given. */
  private static ObjectStore store(InputStream first, byte[] archive) {
    InputStream[] next = {first};
    return (ObjectStore)
        Proxy.newProxyInstance(
            ArchivedImagesTest.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (arguments.length == 3) {
                int from = ((Long) arguments[1]).intValue();
                int to = Math.min(archive.length, from + ((Number) arguments[2]).intValue());
                return new ByteArrayInputStream(archive, from, to - from);
              }
              InputStream in = next[0];
              next[0] = new ByteArrayInputStream(archive);
              return in;
            });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 100, 512, 600, 2048, 2600})
  void aStoreThatFailsForAMomentIsNoDamagedArchive(int afterBytes) throws Exception {
    byte[] archive = tar();
    InputStream breaks =
        new SequenceInputStream(
            new ByteArrayInputStream(Arrays.copyOf(archive, afterBytes)),
            new InputStream() {
              @Override
              public int read() throws IOException {
                throw new IOException("Input/output error");
              }

              @Override
              public int read(byte[] bytes, int offset, int length) throws IOException {
                throw new IOException("Input/output error");
              }
            });
    ArchivedImages images = new ArchivedImages(store(breaks, archive));

    assertThatThrownBy(() -> images.find(ARCHIVE, ARCHIVE + "/b.png"))
        .isInstanceOf(IOException.class)
        .hasStackTraceContaining("Input/output error");

    Optional<byte[]> second = images.find(ARCHIVE, ARCHIVE + "/b.png");
    assertThat(second).isPresent();
    assertThat(second.orElseThrow()).asString().startsWith("b.png b.png ");
  }

  @Test
  void ofAnArchiveThatIsCutOffWhatStandsBeforeIsShown() throws Exception {
    byte[] cut = Arrays.copyOf(tar(), 2600);
    ArchivedImages images = new ArchivedImages(store(new ByteArrayInputStream(cut), cut));

    assertThat(images.find(ARCHIVE, ARCHIVE + "/a.png")).isPresent();
  }
}
