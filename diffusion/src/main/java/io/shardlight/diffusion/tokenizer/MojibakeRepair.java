package io.shardlight.diffusion.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads text again that was UTF-8 and had been read in a single-byte encoding, once or several
 * times over: {@code schÃ¶n} becomes {@code schön}. Leaves alone what {@link MojibakeHeuristic}
 * does not suspect. Does what ftfy 6.1.1's {@code fix_encoding} does.
 */
final class MojibakeRepair {
  private static final Pattern C1_CONTROL = Pattern.compile("[\u0080-\u009f]");

  // Bytes as Latin-1 characters, so that patterns can match them.

  /** UTF-8 sequences whose byte A0, a no-break space, became a space. */
  private static final Pattern SPACED_UTF8 =
      Pattern.compile(
          String.join(
              "|",
              "[ÂÃÅÎÐÙ] ",
              "[âã] [\u0080-\u0084\u0086-\u009f¡-¿]",
              "[à-ã][\u0080-\u0084\u0086-\u009f¡-¿] ",
              "ð [\u0080-¿][\u0080-¿]",
              "ð[\u0080-¿] [\u0080-¿]",
              "ð[\u0080-¿][\u0080-¿] "));

  /** The word "à" before other words than these, which begin with à without a space. */
  private static final Pattern A_GRAVE_WORD = Pattern.compile("Ã (?! |quele|quela|quilo|s )");

  /** UTF-8 sequences some of whose bytes were lost: 1A, or a question mark. */
  private static final Pattern LOSSY_UTF8 =
      Pattern.compile(
          String.join(
              "|",
              "[Â-ß]\u001a",
              "[ÂÃ][?]",
              "í[\u00a0-¯][\u001a?]í[°-¿][\u001a?\u0080-¿]",
              "í[\u00a0-¯][\u001a?\u0080-¿]í[°-¿][\u001a?]",
              "[à-ï][\u001a?][\u001a\u0080-¿]",
              "[à-ï][\u001a\u0080-¿][\u001a?]",
              "[ð-ô][\u001a?][\u001a\u0080-¿][\u001a\u0080-¿]",
              "[ð-ô][\u001a\u0080-¿][\u001a?][\u001a\u0080-¿]",
              "[ð-ô][\u001a\u0080-¿][\u001a\u0080-¿][\u001a?]",
              "\u001a"));

  /** U+FFFD in UTF-8. */
  private static final String REPLACEMENT_BYTES = "ï¿½";

  // Characters that bytes of UTF-8 sequences decode to in any encoding.
  private static final boolean[] FIRST_OF_2 = SingleByteEncoding.charactersOf(range(0xc2, 0xdf));
  private static final boolean[] FIRST_OF_3 = SingleByteEncoding.charactersOf(range(0xe0, 0xef));
  private static final boolean[] FIRST_OF_4 = SingleByteEncoding.charactersOf(0xf0, 0xf3);
  private static final boolean[] CONTINUATION = SingleByteEncoding.charactersOf(range(0x80, 0xbf));

  /** Continuations that often stand for themselves. */
  private static final String PLAIN_CONTINUATIONS = "–—―‘’‚“”„…";

  private MojibakeRepair() {}

  private static int[] range(int first, int last) {
    int[] out = new int[last - first + 1];
    for (int i = 0; i < out.length; i++) {
      out[i] = first + i;
    }
    return out;
  }

  static String repair(String text) {
    String current = text;
    while (true) {
      String better = repairOnce(current);
      if (better.equals(current)) {
        return current;
      }
      current = better;
    }
  }

  private static String repairOnce(String text) {
    if (!MojibakeHeuristic.isBad(text)) {
      return text;
    }
    // 1. All of it was misread in one encoding.
    for (SingleByteEncoding encoding : SingleByteEncoding.ALL) {
      Optional<String> decoded = encoding.encode(text).flatMap(b -> decode(b, encoding));
      if (decoded.isPresent()) {
        return decoded.get();
      }
    }
    // 2. Pieces of it were.
    String pieces = repairPieces(text);
    if (!pieces.equals(text)) {
      return pieces;
    }
    // 3. It was Windows-1252 read as Latin-1.
    return windows1252(text);
  }

  private static Optional<String> decode(byte[] bytes, SingleByteEncoding encoding) {
    String latin1 = new String(bytes, StandardCharsets.ISO_8859_1);
    if (SPACED_UTF8.matcher(latin1).find()) {
      latin1 = A_GRAVE_WORD.matcher(latin1).replaceAll("Ã\u00a0 ");
      latin1 = SPACED_UTF8.matcher(latin1).replaceAll(m -> m.group().replace(' ', '\u00a0'));
    }
    if (encoding.isSloppy()) {
      latin1 = LOSSY_UTF8.matcher(latin1).replaceAll(REPLACEMENT_BYTES);
    }
    return Utf8.decode(latin1.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** C1 control characters, which nobody writes, read as Windows-1252. */
  static String windows1252(String text) {
    Matcher controls = C1_CONTROL.matcher(text);
    return controls.replaceAll(
        m -> String.valueOf(SingleByteEncoding.WINDOWS_1252.decode(m.group().charAt(0))));
  }

  /** Repairs runs of what look like UTF-8 sequences, each for itself. */
  private static String repairPieces(String text) {
    StringBuilder out = new StringBuilder(text.length());
    int i = 0;
    while (i < text.length()) {
      boolean insideGarble = i > 0 && isStrictContinuation(text.charAt(i - 1));
      int end = insideGarble ? i : endOfRun(text, i);
      if (end == i) {
        out.append(text.charAt(i++));
        continue;
      }
      String piece = text.substring(i, end);
      boolean repairable = piece.length() < text.length() && MojibakeHeuristic.isBad(piece);
      out.append(repairable ? repair(piece) : piece);
      i = end;
    }
    return out.toString();
  }

  private static int endOfRun(String text, int start) {
    int end = start;
    while (true) {
      int length = lengthOfSequence(text, end);
      if (length == 0) {
        return end;
      }
      end += length;
    }
  }

  /** Two to four characters, or 0 if no sequence begins here. */
  private static int lengthOfSequence(String text, int i) {
    if (i >= text.length()) {
      return 0;
    }
    char lead = text.charAt(i);
    if (FIRST_OF_2[lead] && areContinuations(text, i + 1, 1)) {
      return 2;
    }
    if (FIRST_OF_3[lead] && areContinuations(text, i + 1, 2)) {
      return 3;
    }
    return FIRST_OF_4[lead] && areContinuations(text, i + 1, 3) ? 4 : 0;
  }

  private static boolean areContinuations(String text, int start, int count) {
    if (start + count > text.length()) {
      return false;
    }
    for (int i = start; i < start + count; i++) {
      char c = text.charAt(i);
      if (c != ' ' && !CONTINUATION[c]) {
        return false;
      }
    }
    return true;
  }

  private static boolean isStrictContinuation(char c) {
    return CONTINUATION[c] && PLAIN_CONTINUATIONS.indexOf(c) < 0;
  }
}
