package io.shardlight.diffusion.tokenizer;

import java.util.Optional;

/**
 * Strict UTF-8, or its two common variants: Java's zero byte ({@code C0 80}) and CESU-8's surrogate
 * pairs of three bytes each.
 */
final class Utf8 {
  private Utf8() {}

  /** The text, or nothing if a byte does not fit. */
  static Optional<String> decode(byte[] bytes) {
    StringBuilder out = new StringBuilder(bytes.length);
    int i = 0;
    while (i < bytes.length) {
      int lead = bytes[i] & 0xff;
      int length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      if (length == 0 || lead > 0xf4 || i + length > bytes.length) {
        return Optional.empty();
      }
      int codePoint = length == 1 ? lead : lead & (0x7f >> length);
      for (int k = 1; k < length; k++) {
        if ((bytes[i + k] & 0xc0) != 0x80) {
          return Optional.empty();
        }
        codePoint = (codePoint << 6) | (bytes[i + k] & 0x3f);
      }
      boolean javaZero = codePoint == 0 && lead == 0xc0;
      boolean overlong =
          (length == 2 && codePoint < 0x80)
              || (length == 3 && codePoint < 0x800)
              || (length == 4 && (codePoint < 0x10000 || codePoint > 0x10ffff));
      if (overlong && !javaZero) {
        return Optional.empty();
      }
      if (isSurrogate(codePoint) && !isPairAt(bytes, i)) {
        return Optional.empty();
      }
      if (isSurrogate(codePoint)) {
        out.append((char) codePoint).append((char) (0xd000 | thirdOf(bytes, i + 3)));
        length = 6;
      } else {
        out.appendCodePoint(codePoint);
      }
      i += length;
    }
    return Optional.of(out.toString());
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= 0xd800 && codePoint <= 0xdfff;
  }

  /** A high surrogate at i and a low one after it. */
  private static boolean isPairAt(byte[] bytes, int i) {
    return i + 6 <= bytes.length
        && (bytes[i + 1] & 0xf0) == 0xa0
        && (bytes[i + 3] & 0xff) == 0xed
        && (bytes[i + 4] & 0xf0) == 0xb0
        && (bytes[i + 5] & 0xc0) == 0x80;
  }

  /** The lower twelve bits of a three-byte sequence. */
  private static int thirdOf(byte[] bytes, int i) {
    return ((bytes[i + 1] & 0x3f) << 6) | (bytes[i + 2] & 0x3f);
  }
}
