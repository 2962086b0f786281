package io.shardlight.diffusion.transfer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A file that is being brought, chunk by chunk in any order. Which chunks are there stands in a
 * second file beside it, a line each, so that a process that was killed loses only what it had of
 * unfinished chunks. Nothing is forced to disk meanwhile: what a crash of the machine leaves may be
 * wrong, and is found out by the checksum. Thread-safe; one process at a time.
 */
final class PartialFile implements AutoCloseable {
  /** A part that is not there yet. */
  record Range(long from, long to) {}

  private final Path data;
  private final Path record;
  private final long size;
  private final long chunk;
  private final BitSet done;
  private final FileChannel channel;
  private final FileChannel log;
  private final boolean resumed;

  private PartialFile(
      Path data,
      Path record,
      long size,
      long chunk,
      BitSet done,
      FileChannel channel,
      FileChannel log) {
    this.data = data;
    this.record = record;
    this.size = size;
    this.chunk = chunk;
    this.done = done;
    this.channel = channel;
    this.log = log;
    this.resumed = !done.isEmpty();
  }

  /**
   * Goes on with what an earlier process left of the same size, or begins.
   *
   * @param chunk bytes that are brought at once; in another size, the file begins anew
   */
  static PartialFile open(Path data, long size, long chunk) throws IOException {
    Path record = data.resolveSibling(data.getFileName() + ".chunks");
    String head = size + " " + chunk + "\n";
    BitSet done = new BitSet();
    if (Files.exists(data)) {
      done = read(record, head, Math.toIntExact((size + chunk - 1) / chunk));
    }
    if (done.isEmpty()) {
      Files.deleteIfExists(record);
      Files.deleteIfExists(data);
    }
    FileChannel channel =
        FileChannel.open(data, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileChannel log =
          FileChannel.open(
              record,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.APPEND);
      PartialFile file = new PartialFile(data, record, size, chunk, done, channel, log);
      if (done.isEmpty()) {
        file.append(head);
      } else {
        // A line that was cut off must not run into the next.
        file.append("\n");
      }
      return file;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static BitSet read(Path record, String head, int chunks) throws IOException {
    BitSet done = new BitSet();
    String text;
    try {
      text = Files.readString(record, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return done;
    }
    if (!text.startsWith(head)) {
      return done;
    }
    // What stands after the last line's end was cut off.
    String whole = text.substring(head.length(), Math.max(head.length(), text.lastIndexOf('\n')));
    for (String line : whole.split("\n", -1)) {
      if (line.matches("=[0-9]{1,9}=")
          && Integer.parseInt(line, 1, line.length() - 1, 10) < chunks) {
        done.set(Integer.parseInt(line, 1, line.length() - 1, 10));
      }
    }
    return done;
  }

  /** Whether some of it was brought before. */
  boolean resumed() {
    return resumed;
  }

  /** Bytes that are there. */
  synchronized long present() {
    long present = done.cardinality() * chunk;
    int last = Math.toIntExact((size - 1) / chunk);
    return size > 0 && done.get(last) ? present - ((last + 1) * chunk - size) : present;
  }

  /** What is not there yet, none longer than a chunk. */
  synchronized List<Range> missing() {
    List<Range> missing = new ArrayList<>();
    for (long from = 0; from < size; from += chunk) {
      if (!done.get(Math.toIntExact(from / chunk))) {
        missing.add(new Range(from, Math.min(size, from + chunk)));
      }
    }
    return missing;
  }

  void write(long position, ByteBuffer bytes) throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  /** Remembers that the bytes of a range were written. */
  synchronized void complete(long from, long to) throws IOException {
    long first = (from + chunk - 1) / chunk;
    long end = to == size ? (size + chunk - 1) / chunk : to / chunk;
    StringBuilder lines = new StringBuilder();
    for (long i = first; i < end; i++) {
      if (!done.get(Math.toIntExact(i))) {
        done.set(Math.toIntExact(i));
        lines.append('=').append(i).append("=\n");
      }
    }
    append(lines.toString());
  }

  private void append(String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
    while (bytes.hasRemaining()) {
      log.write(bytes);
    }
  }

  /** Forces the whole file to disk and gives it its final name. */
  void moveTo(Path destination) throws IOException {
    channel.force(true);
    close();
    Files.move(data, destination, StandardCopyOption.ATOMIC_MOVE);
    Files.deleteIfExists(record);
  }

  /** Throws away what is there. */
  void discard() throws IOException {
    close();
    Files.deleteIfExists(record);
    Files.deleteIfExists(data);
  }

  Path data() {
    return data;
  }

  @Override
  public void close() throws IOException {
    try (channel;
        log) {
      // Both, whatever the other says.
    }
  }
}
