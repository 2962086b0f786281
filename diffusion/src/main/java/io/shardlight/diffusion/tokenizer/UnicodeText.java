package io.shardlight.diffusion.tokenizer;

/** The classes of code points that CLIP's patterns name. */
final class UnicodeText {
  private static final int LETTER =
      (1 << Character.UPPERCASE_LETTER)
          | (1 << Character.LOWERCASE_LETTER)
          | (1 << Character.TITLECASE_LETTER)
          | (1 << Character.MODIFIER_LETTER)
          | (1 << Character.OTHER_LETTER);

  private static final int NUMBER =
      (1 << Character.DECIMAL_DIGIT_NUMBER)
          | (1 << Character.LETTER_NUMBER)
          | (1 << Character.OTHER_NUMBER);

  private UnicodeText() {}

  /** {@code \p{L}}. */
  static boolean isLetter(int codePoint) {
    return ((LETTER >> Character.getType(codePoint)) & 1) != 0;
  }

  /** {@code \p{N}}. */
  static boolean isNumber(int codePoint) {
    return ((NUMBER >> Character.getType(codePoint)) & 1) != 0;
  }

  /** {@code \s}: the property White_Space. */
  static boolean isWhitespace(int codePoint) {
    return (codePoint >= 0x09 && codePoint <= 0x0d)
        || codePoint == 0x85
        || Character.isSpaceChar(codePoint);
  }
}
