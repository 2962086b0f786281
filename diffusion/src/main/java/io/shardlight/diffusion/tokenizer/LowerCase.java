package io.shardlight.diffusion.tokenizer;

import java.util.Locale;

/**
 * Lower case as Python has it. Java's differs in which sigma ends a word: Unicode looks past marks,
 * apostrophes and full stops for letters beside it, Java for the word's boundary.
 *
 * @see <a href="https://www.unicode.org/versions/Unicode13.0.0/ch03.pdf">The Unicode Standard,
 *     table 3-17, Final_Sigma</a>
 */
final class LowerCase {
  private static final char SIGMA = 'Σ';

  /** Word_Break of MidLetter, MidNumLet or Single_Quote. */
  private static final String WITHIN_WORDS =
      "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";

  private LowerCase() {}

  static String of(String text) {
    if (text.indexOf(SIGMA) < 0) {
      return text.toLowerCase(Locale.ROOT);
    }
    StringBuilder out = new StringBuilder(text.length());
    int start = 0;
    for (int i = text.indexOf(SIGMA); i >= 0; i = text.indexOf(SIGMA, start)) {
      out.append(text.substring(start, i).toLowerCase(Locale.ROOT));
      out.append(isFinal(text, i) ? 'ς' : 'σ');
      start = i + 1;
    }
    return out.append(text.substring(start).toLowerCase(Locale.ROOT)).toString();
  }

  private static boolean isFinal(String text, int sigma) {
    int before = sigma;
    while (before > 0 && isIgnorable(text.codePointBefore(before))) {
      before -= Character.charCount(text.codePointBefore(before));
    }
    if (before == 0 || !isCased(text.codePointBefore(before))) {
      return false;
    }
    int after = sigma + 1;
    while (after < text.length() && isIgnorable(text.codePointAt(after))) {
      after += Character.charCount(text.codePointAt(after));
    }
    return after == text.length() || !isCased(text.codePointAt(after));
  }

  private static boolean isCased(int codePoint) {
    return Character.isLowerCase(codePoint)
        || Character.isUpperCase(codePoint)
        || Character.isTitleCase(codePoint);
  }

  private static boolean isIgnorable(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default -> WITHIN_WORDS.indexOf(codePoint) >= 0;
    };
  }
}
