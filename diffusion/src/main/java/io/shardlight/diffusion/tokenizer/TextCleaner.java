package io.shardlight.diffusion.tokenizer;

import java.text.Normalizer;
import java.util.regex.Pattern;

/**
 * Cleans text as ftfy 6.1.1's {@code fix_text} does, which transformers' CLIPTokenizer calls where
 * ftfy is installed: HTML references, mojibake, ligatures, full-width letters, curly quotes, line
 * breaks, terminal colours, control characters, and Unicode's normal form C.
 *
 * <p>Its one long word list, the names of HTML's references, and its tables of characters were
 * checked against ftfy's; see the test for the cases that decide.
 */
final class TextCleaner {
  private static final Pattern TERMINAL_ESCAPE = Pattern.compile("\u001b\\[[\\d;]*[a-zA-Z]");

  private TextCleaner() {}

  /** Cleans line by line; a line with {@code <} is HTML, and so are all after it. */
  static String clean(String text) {
    if (isPlain(text)) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    boolean unescape = true;
    int start = 0;
    while (start < text.length()) {
      int newline = text.indexOf('\n', start);
      int end = newline < 0 ? text.length() : newline + 1;
      String line = text.substring(start, end);
      unescape &= line.indexOf('<') < 0;
      out.append(cleanLine(line, unescape));
      start = end;
    }
    return out.toString();
  }

  /** Nearly all prompts: ASCII in which nothing can be replaced. */
  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x7f || c == '&' || (c < 0x20 && c != '\t' && c != '\n')) {
        return false;
      }
    }
    return true;
  }

  private static String cleanLine(String line, boolean unescape) {
    String text = line;
    while (true) {
      String before = text;
      if (unescape) {
        text = HtmlEntities.unescape(text);
      }
      text = MojibakeRepair.repair(text);
      text = MojibakeRepair.windows1252(text);
      text = replaceCharacters(text);
      text = TERMINAL_ESCAPE.matcher(text).replaceAll("");
      text = removeControls(text);
      text = Normalizer.normalize(text, Normalizer.Form.NFC);
      if (text.equals(before)) {
        return text;
      }
    }
  }

  private static String replaceCharacters(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80 && c != '\r') {
        out.append(c);
      } else if (Character.isSurrogate(c)) {
        boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length();
        if (pair && Character.isLowSurrogate(text.charAt(i + 1))) {
          out.append(c).append(text.charAt(++i));
        } else {
          out.append('\ufffd');
        }
      } else if (c != '\r' || i + 1 == text.length() || text.charAt(i + 1) != '\n') {
        out.append(replacement(c)); // of CR LF, the LF alone stays
      }
    }
    return out.toString();
  }

  /** Ligatures, widths, quotes and line breaks; no replacement is a subject of another. */
  private static String replacement(char c) {
    return switch (c) {
      case 'Ĳ' -> "IJ";
      case 'ĳ' -> "ij";
      case 'ŉ' -> "'n"; // ʼn, whose first letter is a quote of the next fix
      case 'Ǳ' -> "DZ";
      case 'ǲ' -> "Dz";
      case 'ǳ' -> "dz";
      case 'Ǆ' -> "DŽ";
      case 'ǅ' -> "Dž";
      case 'ǆ' -> "dž";
      case 'Ǉ' -> "LJ";
      case 'ǈ' -> "Lj";
      case 'ǉ' -> "lj";
      case 'Ǌ' -> "NJ";
      case 'ǋ' -> "Nj";
      case 'ǌ' -> "nj";
      case 'ﬀ' -> "ff";
      case 'ﬁ' -> "fi";
      case 'ﬂ' -> "fl";
      case 'ﬃ' -> "ffi";
      case 'ﬄ' -> "ffl";
      case 'ﬅ' -> "ſt";
      case 'ﬆ' -> "st";
      case '\u3000' -> " ";
      case '\u02bc', '\u2018', '\u2019', '\u201a', '\u201b' -> "'";
      case '\u201c', '\u201d', '\u201e', '\u201f' -> "\"";
      case '\r', '\u0085', '\u2028', '\u2029' -> "\n";
      default ->
          c >= '\uff01' && c <= '\uffef'
              ? Normalizer.normalize(String.valueOf(c), Normalizer.Form.NFKC)
              : String.valueOf(c);
    };
  }

  private static String removeControls(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean control =
          c <= 0x08
              || c == 0x0b
              || (c >= 0x0e && c <= 0x1f)
              || c == 0x7f
              || (c >= '\u206a' && c <= '\u206f') // deprecated formatting
              || c == '\ufeff'
              || (c >= '\ufff9' && c <= '\ufffc'); // interlinear annotation
      if (!control) {
        out.append(c);
      }
    }
    return out.toString();
  }
}
