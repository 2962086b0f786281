package io.shardlight.diffusion.transfer;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.transfer.PartialFile.Range;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialFileTest {
  private static final int SIZE = 25;
  private static final int CHUNK = 10;

  private final Path data;
  private final Path record;

  PartialFileTest(@TempDir Path home) {
    this.data = home.resolve("x.incomplete");
    this.record = home.resolve("x.incomplete.chunks");
  }

  private PartialFile open() throws IOException {
    return PartialFile.open(data, SIZE, CHUNK);
  }

  private void leave(long from, long to) throws IOException {
    try (PartialFile file = open()) {
      file.write(from, ByteBuffer.allocate((int) (to - from)));
      file.complete(from, to);
    }
  }

  @Test
  void goesOnWithWholeChunksInAnyOrder() throws IOException {
    leave(20, 25);
    leave(0, 10);

    try (PartialFile file = open()) {
      assertThat(file.resumed()).isTrue();
      assertThat(file.present()).isEqualTo(15);
      assertThat(file.missing()).containsExactly(new Range(10, 20));
    }
  }

  @Test
  void partsOfChunksDoNotCount() throws IOException {
    leave(3, 19);

    try (PartialFile file = open()) {
      assertThat(file.missing())
          .containsExactly(new Range(0, 10), new Range(10, 20), new Range(20, 25));
      assertThat(file.resumed()).isFalse();
    }
  }

  @Test
  void aLineThatWasCutOffIsNone() throws IOException {
    leave(0, 10);
    Files.writeString(record, "=2", StandardOpenOption.APPEND);

    leave(10, 20);

    try (PartialFile file = open()) {
      assertThat(file.missing()).containsExactly(new Range(20, 25));
    }
  }

  @Test
  void anotherSizeOrARecordWithoutDataBeginsAnew() throws IOException {
    leave(0, 20);
    try (PartialFile file = PartialFile.open(data, SIZE + 1, CHUNK)) {
      assertThat(file.present()).isZero();
    }
    leave(0, 20);
    Files.delete(data);
    try (PartialFile file = open()) {
      assertThat(file.present()).isZero();
    }
    Files.writeString(record, SIZE + " " + CHUNK + "\n=0=\n=999999999=\n=-1=\n=x=\n\0\n");
    try (PartialFile file = open()) {
      assertThat(file.present()).isEqualTo(10);
    }
  }

  @Test
  void nothingIsLeftWhenItIsWhole() throws IOException {
    Path whole = data.resolveSibling("whole");
    try (PartialFile file = PartialFile.open(data, 3, CHUNK)) {
      file.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3}));
      file.complete(0, 3);
      assertThat(file.missing()).isEmpty();
      file.moveTo(whole);
    }

    assertThat(Files.readAllBytes(whole)).containsExactly(1, 2, 3);
    assertThat(data).doesNotExist();
    assertThat(record).doesNotExist();
  }
}
