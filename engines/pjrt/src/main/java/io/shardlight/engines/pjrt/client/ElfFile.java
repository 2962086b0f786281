package io.shardlight.engines.pjrt.client;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * Whether a library is all there. Plugins have hundreds of megabytes, and the dynamic linker maps
 * what a header promises without a look at the file's size: where a download was cut off, the
 * process would die of SIGBUS.
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

  private ElfFile() {}

  /** Whether the file ends before what its headers promise. */
  static boolean isCutOff(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      long size = channel.size();
      ByteBuffer header = read(channel, 0, (int) Math.min(size, HEADER_BYTES));
      for (int i = 0; i < IDENTIFICATION.length; i++) {
        if (i >= header.limit() || header.get(i) != IDENTIFICATION[i]) {
          return false;
        }
      }
      if (size < HEADER_BYTES) {
        return true;
      }
      int bytes = Short.toUnsignedInt(header.getShort(PROGRAM_HEADER_BYTES));
      int count = Short.toUnsignedInt(header.getShort(PROGRAM_HEADER_COUNT));
      long table = header.getLong(PROGRAM_HEADERS);
      if (bytes < LEAST_PROGRAM_HEADER_BYTES) {
        return false;
      }
      if (isBeyond(size, table, (long) bytes * count)) {
        return true;
      }
      ByteBuffer segments = read(channel, table, bytes * count);
      for (int at = 0; at < segments.limit(); at += bytes) {
        long offset = segments.getLong(at + SEGMENT_OFFSET);
        long fileBytes = segments.getLong(at + SEGMENT_FILE_BYTES);
        if (isBeyond(size, offset, fileBytes)) {
          return true;
        }
      }
      return false;
    }
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
