package io.shardlight.prompts;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Lines of a UTF-8 file, one at a time and counted from 1. They end with LF or CRLF; a byte order
 * mark in front is skipped. A line that is not UTF-8 or too long harms no other.
 */
final class Utf8Lines {
  /** More than any prompt with its columns; what is longer is no text file. */
  static final int MAX_BYTES = 1 << 20;

  private static final int CHUNK_BYTES = 1 << 16;

  /** Takes lines in order. */
  @FunctionalInterface
  interface Lines {
    void line(long number, String text);
  }

  private Utf8Lines() {}

  /**
   * Reads to the end; the caller closes.
   *
   * @param unreadable takes, instead of the text, the reason why a line has none
   */
  static void read(InputStream in, Lines lines, Lines unreadable) throws IOException {
    byte[] chunk = new byte[CHUNK_BYTES];
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long number = 1;
    long length = 0;
    for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
      int start = 0;
      for (int i = 0; i < count; i++) {
        if (chunk[i] == '\n') {
          length += i - start;
          keep(chunk, start, i, line);
          emit(number++, length, line, lines, unreadable);
          length = 0;
          start = i + 1;
        }
      }
      length += count - start;
      keep(chunk, start, count, line);
    }
    if (length > 0) {
      emit(number, length, line, lines, unreadable);
    }
  }

  private static void keep(byte[] chunk, int start, int end, ByteArrayOutputStream line) {
    // One byte more than allowed, and the rest of an endless line is only counted.
    int room = MAX_BYTES + 1 - line.size();
    line.write(chunk, start, Math.min(room, end - start));
  }

  private static void emit(
      long number, long length, ByteArrayOutputStream line, Lines lines, Lines unreadable) {
    byte[] bytes = line.toByteArray();
    line.reset();
    if (length > MAX_BYTES) {
      unreadable.line(
          number, "wanted a line of at most " + MAX_BYTES + " bytes, but found " + length);
      return;
    }
    int end = bytes.length > 0 && bytes[bytes.length - 1] == '\r' ? bytes.length - 1 : bytes.length;
    int start = number == 1 && startsWithMark(bytes) ? 3 : 0;
    try {
      lines.line(
          number,
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes, start, end - start))
              .toString());
    } catch (CharacterCodingException e) {
      unreadable.line(number, "wanted UTF-8, but found other bytes");
    }
  }

  private static boolean startsWithMark(byte[] bytes) {
    return bytes.length >= 3
        && bytes[0] == (byte) 0xEF
        && bytes[1] == (byte) 0xBB
        && bytes[2] == (byte) 0xBF;
  }
}
