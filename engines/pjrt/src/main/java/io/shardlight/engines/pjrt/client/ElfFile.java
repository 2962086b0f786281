package io.shardlight.engines.pjrt.client;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Whether a library is all there, and which build it is. Plugins have hundreds of megabytes, and
 * the dynamic linker maps what a header promises without a look at the file's size: where a
 * download was cut off, the process would die of SIGBUS.
 *
 * @see <a href="https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html">System V ABI,
 *     chapters 4 and 5</a>
 */
final class ElfFile {
  /** {@code 0x7f E L F}, 64 bits, little-endian. All else is left to the linker's judgement. */
  private static final byte[] IDENTIFICATION = {0x7f, 'E', 'L', 'F', 2, 1};

  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADERS = 32;
  private static final int PROGRAM_HEADER_BYTES = 54;
  private static final int PROGRAM_HEADER_COUNT = 56;

  /** Within a program header. */
  private static final int SEGMENT_OFFSET = 8;

  private static final int SEGMENT_FILE_BYTES = 32;
  private static final int LEAST_PROGRAM_HEADER_BYTES = 56;

  /** {@code PT_NOTE}. */
  private static final int NOTES = 4;

  /** {@code NT_GNU_BUILD_ID} of the vendor's name "GNU". */
  private static final int BUILD_ID = 3;

  private static final byte[] VENDOR = {'G', 'N', 'U', 0};
  private static final int NOTE_HEADER_BYTES = 12;

  /** More than a linker writes. */
  private static final long MOST_NOTE_BYTES = 1 << 16;

  private ElfFile() {}

  /** A part of the file that a header promises. */
  private record Segment(int type, long offset, long bytes) {}

  /** Whether the file ends before what its headers promise. */
  static boolean isCutOff(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      ByteBuffer header = read(channel, 0, (int) Math.min(size, HEADER_BYTES));
      if (!isElf(header)) {
        return false;
      }
      if (size < HEADER_BYTES) {
        return true;
      }
      if (headerBytes(header) < LEAST_PROGRAM_HEADER_BYTES) {
        return false;
      }
      if (isBeyond(size, table(header), tableBytes(header))) {
        return true;
      }
      return segments(channel, header).stream()
          .anyMatch(segment -> isBeyond(size, segment.offset(), segment.bytes()));
    }
  }

  /**
   * What the linker calls this build, in hexadecimal digits: a digest of what is in the library.
   *
   * @return empty if it does not say
   */
  static Optional<String> buildId(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer header = read(channel, 0, (int) Math.min(channel.size(), HEADER_BYTES));
      if (header.limit() < HEADER_BYTES || !isElf(header)) {
        return Optional.empty();
      }
      for (Segment segment : segments(channel, header)) {
        if (segment.type() == NOTES
            && segment.bytes() <= MOST_NOTE_BYTES
            && !isBeyond(channel.size(), segment.offset(), segment.bytes())) {
          Optional<String> found = buildId(read(channel, segment.offset(), (int) segment.bytes()));
          if (found.isPresent()) {
            return found;
          }
        }
      }
      return Optional.empty();
    }
  }

  private static Optional<String> buildId(ByteBuffer notes) {
    while (notes.remaining() >= NOTE_HEADER_BYTES) {
      int nameBytes = notes.getInt();
      int contentBytes = notes.getInt();
      int type = notes.getInt();
      // Each is filled up to four bytes.
      long end = notes.position() + padded(nameBytes) + padded(contentBytes);
      if (nameBytes < 0 || contentBytes < 0 || end > notes.limit()) {
        return Optional.empty();
      }
      byte[] name = new byte[nameBytes];
      byte[] content = new byte[contentBytes];
      notes.get(notes.position(), name);
      notes.get((int) (notes.position() + padded(nameBytes)), content);
      if (type == BUILD_ID && Arrays.equals(name, VENDOR)) {
        return Optional.of(HexFormat.of().formatHex(content));
      }
      notes.position((int) end);
    }
    return Optional.empty();
  }

  private static long padded(int bytes) {
    return (bytes + 3L) / 4 * 4;
  }

  private static boolean isElf(ByteBuffer header) {
    ByteBuffer wanted = ByteBuffer.wrap(IDENTIFICATION);
    return header.limit() >= IDENTIFICATION.length
        && header.slice(0, IDENTIFICATION.length).equals(wanted);
  }

  private static long table(ByteBuffer header) {
    return header.getLong(PROGRAM_HEADERS);
  }

  private static int headerBytes(ByteBuffer header) {
    return Short.toUnsignedInt(header.getShort(PROGRAM_HEADER_BYTES));
  }

  private static long tableBytes(ByteBuffer header) {
    return (long) headerBytes(header) * Short.toUnsignedInt(header.getShort(PROGRAM_HEADER_COUNT));
  }

  /** None if the headers are of a size that is not known here. */
  private static List<Segment> segments(FileChannel channel, ByteBuffer header) throws IOException {
    int bytes = headerBytes(header);
    List<Segment> segments = new ArrayList<>();
    if (bytes < LEAST_PROGRAM_HEADER_BYTES) {
      return segments;
    }
    ByteBuffer table = read(channel, table(header), (int) tableBytes(header));
    for (int at = 0; at < table.limit(); at += bytes) {
      segments.add(
          new Segment(
              table.getInt(at),
              table.getLong(at + SEGMENT_OFFSET),
              table.getLong(at + SEGMENT_FILE_BYTES)));
    }
    return segments;
  }

  /** Numbers are unsigned in the file: what is negative here is beyond any file's end. */
  private static boolean isBeyond(long size, long offset, long bytes) {
    return offset < 0 || bytes < 0 || offset > size - bytes;
  }

  private static ByteBuffer read(FileChannel channel, long offset, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        throw new EOFException("the file became shorter while it was read");
      }
    }
    return buffer.flip();
  }
}
