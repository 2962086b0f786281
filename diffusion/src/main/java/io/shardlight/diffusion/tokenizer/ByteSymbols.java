package io.shardlight.diffusion.tokenizer;

/**
 * The printable character that stands for each byte in CLIP's vocabulary and merges: itself where
 * it is printable in Latin-1, else one from U+0100 on.
 *
 * @see <a href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">bytes_to_unicode of
 *     openai/gpt-2</a>
 */
final class ByteSymbols {
  private static final String[] SYMBOLS = new String[256];

  static {
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
      boolean printable = isWithin(b, '!', '~') || isWithin(b, '¡', '¬') || isWithin(b, '®', 'ÿ');
      SYMBOLS[b] = Character.toString(printable ? b : next++);
    }
  }

  private ByteSymbols() {}

  private static boolean isWithin(int b, char first, char last) {
    return b >= first && b <= last;
  }

  static String of(byte b) {
    return SYMBOLS[b & 0xff];
  }
}
