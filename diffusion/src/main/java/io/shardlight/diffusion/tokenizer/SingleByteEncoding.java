package io.shardlight.diffusion.tokenizer;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A single-byte encoding in which UTF-8 is often misread. The sloppy ones decode their unassigned
 * bytes as Latin-1 does, as programs do, and stand byte 0x1A for a character that was lost.
 */
final class SingleByteEncoding {
  private static final char REPLACEMENT = '\ufffd';
  private static final int SUBSTITUTE = 0x1a;

  /** The upper half of MacRoman, which not every Java runtime has. */
  private static final String MAC_ROMAN =
      "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø"
          + "¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";

  static final SingleByteEncoding LATIN_1 = exact(upperHalf(StandardCharsets.ISO_8859_1));
  static final SingleByteEncoding WINDOWS_1252 = sloppy("windows-1252");
  private static final SingleByteEncoding WINDOWS_1251 = sloppy("windows-1251");
  private static final SingleByteEncoding WINDOWS_1250 = sloppy("windows-1250");
  private static final SingleByteEncoding WINDOWS_1253 = sloppy("windows-1253");
  private static final SingleByteEncoding WINDOWS_1254 = sloppy("windows-1254");
  private static final SingleByteEncoding LATIN_2 = exact(upperHalf(Charset.forName("ISO-8859-2")));

  /** Likeliest first: the order in which ftfy 6.1.1 tries them. */
  static final List<SingleByteEncoding> ALL =
      List.of(
          LATIN_1,
          WINDOWS_1252,
          WINDOWS_1251,
          WINDOWS_1250,
          WINDOWS_1253,
          WINDOWS_1254,
          LATIN_2,
          exact(MAC_ROMAN),
          exact(upperHalf(Charset.forName("IBM437"))));

  /** Those that extend ISO 646 by letters of one language each, as the web did. */
  static final List<SingleByteEncoding> LATIN_LIKE = ALL.subList(0, 7);

  private final char[] decoded = new char[256];
  private final Map<Character, Byte> encoded = new HashMap<>();
  private final boolean sloppy;

  private SingleByteEncoding(String upperHalf, boolean sloppy) {
    this.sloppy = sloppy;
    for (int b = 0; b < 256; b++) {
      char c = b < 128 ? (char) b : upperHalf.charAt(b - 128);
      if (sloppy) {
        c = b == SUBSTITUTE ? REPLACEMENT : c == REPLACEMENT ? (char) b : c;
      }
      decoded[b] = c;
      encoded.put(c, (byte) b);
    }
  }

  private static SingleByteEncoding exact(String upperHalf) {
    return new SingleByteEncoding(upperHalf, false);
  }

  private static SingleByteEncoding sloppy(String charset) {
    return new SingleByteEncoding(upperHalf(Charset.forName(charset)), true);
  }

  private static String upperHalf(Charset charset) {
    byte[] bytes = new byte[128];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (128 + i);
    }
    return new String(bytes, charset);
  }

  boolean isSloppy() {
    return sloppy;
  }

  char decode(int unsignedByte) {
    return decoded[unsignedByte];
  }

  /** The bytes that were misread, if all of the text can come from this encoding. */
  Optional<byte[]> encode(CharSequence text) {
    byte[] out = new byte[text.length()];
    for (int i = 0; i < out.length; i++) {
      Byte b = encoded.get(text.charAt(i));
      if (b == null) {
        return Optional.empty();
      }
      out[i] = b;
    }
    return Optional.of(out);
  }

  /** What bytes of a range decode to in any of {@link #LATIN_LIKE}. */
  static boolean[] charactersOf(int... bytes) {
    boolean[] out = new boolean[1 << 16];
    for (SingleByteEncoding encoding : LATIN_LIKE) {
      Arrays.stream(bytes).forEach(b -> out[encoding.decoded[b]] = true);
    }
    return out;
  }
}
