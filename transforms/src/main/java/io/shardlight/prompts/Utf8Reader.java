package io.shardlight.prompts;

import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * UTF-8 text that goes on where bytes are not UTF-8: each such place reads as a lone low surrogate,
 * which UTF-8 can't spell, so whoever cuts the text into records knows which of them is damaged. A
 * byte order mark in front is skipped. Not thread-safe.
 */
final class Utf8Reader extends Reader {
  private static final char MARK = '\uFEFF';
  private static final char DAMAGED = '\uDC80';
  private static final int BUFFER_BYTES = 1 << 16;

  private final ReadableByteChannel channel;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER_BYTES).flip();
  private final CharBuffer chars = CharBuffer.allocate(BUFFER_BYTES).flip();
  private boolean begun;
  private boolean ended;

  Utf8Reader(ReadableByteChannel channel) {
    this.channel = channel;
  }

  /** Whether text that came out of such a reader has a place that wasn't UTF-8. */
  static boolean isDamaged(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isLowSurrogate(text.charAt(i))
          && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)))) {
        return true;
      }
    }
    return false;
  }

  @Override
  public int read(char[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (!chars.hasRemaining()) {
      if (ended) {
        return -1;
      }
      fill();
    }
    int count = Math.min(length, chars.remaining());
    chars.get(target, offset, count);
    return count;
  }

  private void fill() throws IOException {
    bytes.compact();
    boolean last = channel.read(bytes) < 0;
    bytes.flip();
    chars.clear();
    CoderResult result = decoder.decode(bytes, chars, last);
    while (result.isError() && chars.hasRemaining()) {
      bytes.position(bytes.position() + result.length());
      chars.put(DAMAGED);
      result = decoder.decode(bytes, chars, last);
    }
    ended = last && result.isUnderflow();
    chars.flip();
    if (!begun && chars.hasRemaining()) {
      begun = true;
      if (chars.get(chars.position()) == MARK) {
        chars.get();
      }
    }
  }

  /** Leaves the channel to whoever opened it. */
  @Override
  public void close() {}
}
