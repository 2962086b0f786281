package io.shardlight.diffusion.tokenizer;

import java.util.regex.Pattern;

/**
 * Tells whether text looks like UTF-8 that was read in another encoding, by characters that stand
 * beside each other there and hardly anywhere else. Characters fall into classes; most rules are
 * pairs of classes. Classes and rules are those of ftfy 6.1.1, so that the same prompts are judged
 * alike.
 *
 * @see <a href="https://ftfy.readthedocs.io/en/latest/heuristic.html">ftfy: How does ftfy work</a>
 */
final class MojibakeHeuristic {
  private static final int C1 = 1;
  private static final int BAD = 1 << 1;
  private static final int CURRENCY = 1 << 2;
  private static final int OPENING = 1 << 3;
  private static final int CLOSING = 1 << 4;
  private static final int NUMERIC = 1 << 5;
  private static final int FACE = 1 << 6;
  private static final int UPPER_ACCENTED = 1 << 7;
  private static final int LOWER_ACCENTED = 1 << 8;
  private static final int UPPER = 1 << 9;
  private static final int LOWER = 1 << 10;
  private static final int BOX = 1 << 11;
  private static final int COMMON = 1 << 12;

  private static final int ACCENTED = UPPER_ACCENTED | LOWER_ACCENTED;
  private static final int PUNCTUATION = OPENING | CLOSING;

  /** The classes of every UTF-16 unit; few are in two. */
  private static final short[] CLASSES = new short[1 << 16];

  static {
    put(C1, "\u0080-\u009f");
    put(BAD, "¤¦-¨ª¬¯¶¸ºƒˆˇ˘˛˜†‡‰⌐◊\ufffd");
    put(CURRENCY, "¢£¥₧€");
    put(OPENING, "¡©«¿΄΅‘‚“„•‹\uf8ff");
    put(CLOSING, "®»˝”›™");
    put(NUMERIC, "±-³µ¹¼-¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥");
    put(FACE, "°Ò-ÖÙ-Üò-öø-üŐ");
    put(UPPER_ACCENTED, "À-ÑØÜÝĂĄĆČĎĐĘĚĞİĹĽŁŃŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ");
    put(LOWER_ACCENTED, "ß-ñüăąćčďđęěğĺľłœŕśşšťźżžґﬁﬂ");
    put(UPPER, "ÞΆΈ-ΊΌΎΏΑ-ΫЁ-Я");
    put(LOWER, "ά-ωа-џ");
    put(BOX, "│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓");
    put(COMMON, "\u00a0\u00ad´·–-―’…");
  }

  /** Classes of a character, then classes of the next one that are suspicious after it. */
  private static final int[][] PAIRS = {
    {BAD | ACCENTED | BOX | PUNCTUATION | CURRENCY | NUMERIC, BAD},
    {BAD, ACCENTED | BOX | PUNCTUATION | CURRENCY | NUMERIC},
    {LOWER_ACCENTED | LOWER | BOX | CLOSING | CURRENCY | NUMERIC, UPPER_ACCENTED},
    {BOX | CLOSING | CURRENCY | NUMERIC, LOWER_ACCENTED},
    {LOWER_ACCENTED | BOX | CLOSING, CURRENCY},
    {UPPER_ACCENTED | BOX, NUMERIC},
    {CURRENCY | NUMERIC | BOX, OPENING},
    {BOX, FACE | CLOSING},
    {ACCENTED | CURRENCY | NUMERIC | PUNCTUATION, BOX},
  };

  /** Sequences of certain characters, in UTF-8 of the commonest marks and alphabets. */
  private static final Pattern SEQUENCES =
      Pattern.compile(
          String.join(
              "|",
              "[Œœ][^A-Za-z]", // not a ligature within a word
              "×[²³]",
              "à[²µ¹¼½¾]", // Windows-1252, South Asian alphabets
              "√[±∂†≠®™´≤≥¥µø]|≈[°¢]|‚Ä[ìîïòôúùû†°¢π]|‚[âó][àä°ê]", // MacRoman
              "вЂ|ГўВЂВ[^\n][A-Za-z ]", // Windows-1251
              "β€[™\u00a0Ά\u00ad®°]", // Windows-1253
              "Ã[\u00a0¡]|[a-z][\\s\\p{Z}\u0085\u001c-\u001f]?[ÃÂ] |^[ÃÂ] ")); // à, á and the

  // no-break space

  private MojibakeHeuristic() {}

  private static void put(int characterClass, String ranges) {
    for (int i = 0; i < ranges.length(); i++) {
      boolean isRange = i + 2 < ranges.length() && ranges.charAt(i + 1) == '-';
      char last = isRange ? ranges.charAt(i + 2) : ranges.charAt(i);
      for (int c = ranges.charAt(i); c <= last; c++) {
        CLASSES[c] |= (short) characterClass;
      }
      i += isRange ? 2 : 0;
    }
  }

  static boolean isBad(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80 && isBadAt(text, i)) {
        return true;
      }
    }
    return SEQUENCES.matcher(text).find();
  }

  private static boolean isBadAt(CharSequence text, int i) {
    char c = text.charAt(i);
    char before = i > 0 ? text.charAt(i - 1) : 0;
    char after = i + 1 < text.length() ? text.charAt(i + 1) : 0;
    int classes = CLASSES[c];
    int beforeClasses = CLASSES[before];
    int afterClasses = CLASSES[after];
    if ((classes & C1) != 0) {
      return true;
    }
    for (int[] pair : PAIRS) {
      if ((classes & pair[0]) != 0 && (afterClasses & pair[1]) != 0) {
        return true;
      }
    }
    // Three in a row, c in the middle.
    if (i == 0 || i + 1 == text.length()) {
      return isBadBeforeEnd(text, i);
    }
    boolean isLetterBefore = before < 0x80 && Character.isLetter(before);
    if ((classes & UPPER_ACCENTED) != 0) {
      if (isWhitespace(before) && (afterClasses & CURRENCY) != 0) {
        return true;
      }
      if (isLetterBefore
          && Character.isLowerCase(before)
          && (afterClasses & (OPENING | CURRENCY)) != 0) {
        return true;
      }
      if (c == 'Â'
          && ((isLetterBefore && Character.isLowerCase(before))
              || ".,?!".indexOf(before) >= 0
              || (beforeClasses & CLOSING) != 0)
          && (after == ' ' || (afterClasses & PUNCTUATION) != 0)) {
        return true;
      }
    }
    if (isLetterBefore && (classes & (LOWER | UPPER)) != 0 && (afterClasses & BAD) != 0) {
      return true;
    }
    if ((classes & OPENING) != 0
        && (beforeClasses & (ACCENTED | BOX | CURRENCY | CLOSING)) != 0
        && (afterClasses & NUMERIC) != 0) {
      return true;
    }
    if ((classes & CLOSING) != 0) {
      if ((beforeClasses & (ACCENTED | CURRENCY | NUMERIC | BOX)) != 0
          && (afterClasses & OPENING) != 0) {
        return true;
      }
      if ((beforeClasses & ACCENTED) != 0 && isWordCharacter(text, i + 1)) {
        return true;
      }
    }
    // A letter of one alphabet twice, with the second byte of such a letter between.
    int trail = C1 | BAD | PUNCTUATION | CURRENCY;
    if ("ВГРС".indexOf(before) >= 0
        && "ВГРС".indexOf(after) >= 0
        && ((classes & trail) != 0 || c == '°' || c == 'µ')) {
      return true;
    }
    if ("ΒΓΞΟ".indexOf(before) >= 0
        && "ΒΓΞΟ".indexOf(after) >= 0
        && ((classes & trail) != 0 || c == '°')) {
      return true;
    }
    return isBadBeforeEnd(text, i);
  }

  /** Rules that begin at a character and look at what follows only. */
  private static boolean isBadBeforeEnd(CharSequence text, int i) {
    if (i + 1 == text.length()) {
      return false;
    }
    char c = text.charAt(i);
    char after = text.charAt(i + 1);
    if ("ÂÃÎÐ".indexOf(c) >= 0
        && ("€Šš¢£Ÿž\u00a0\u00ad®©°·»–—´".indexOf(after) >= 0
            || (CLASSES[after] & PUNCTUATION) != 0)) {
      return true;
    }
    // Arabic in Windows-1252, whose bytes stand for common characters: two of its letters.
    return i + 3 < text.length()
        && isArabicLead(c)
        && isArabicTrail(after)
        && isArabicLead(text.charAt(i + 2))
        && isArabicTrail(text.charAt(i + 3));
  }

  private static boolean isArabicLead(char c) {
    return c == 'Ø' || c == 'Ù';
  }

  private static boolean isArabicTrail(char c) {
    return (CLASSES[c] & (COMMON | CURRENCY | BAD | NUMERIC | OPENING)) != 0
        || "ŸŠ®°µ»".indexOf(c) >= 0;
  }

  private static boolean isWhitespace(char c) {
    return UnicodeText.isWhitespace(c) || (c >= 0x1c && c <= 0x1f);
  }

  private static boolean isWordCharacter(CharSequence text, int i) {
    int codePoint = Character.codePointAt(text, i);
    return codePoint == '_' || UnicodeText.isLetter(codePoint) || UnicodeText.isNumber(codePoint);
  }
}
