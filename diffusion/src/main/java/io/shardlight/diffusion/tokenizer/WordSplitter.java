package io.shardlight.diffusion.tokenizer;

import java.util.List;
import java.util.function.Consumer;

/**
 * Cuts lower-case text into what CLIP encodes apart: special tokens, English contractions, runs of
 * letters, single digits, and runs of anything else that is not white space.
 *
 * <p>The pattern of openai/CLIP, {@code simple_tokenizer.py}: {@code
 * <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+},
 * case ignored. Written out, since it runs over every prompt.
 */
final class WordSplitter {
  static final String START_OF_TEXT = "<|startoftext|>";
  static final String END_OF_TEXT = "<|endoftext|>";

  /** In the order of the pattern: the first that fits is taken. */
  private static final List<String> LITERALS =
      List.of(START_OF_TEXT, END_OF_TEXT, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d");

  /** ſ, the only other character that is an s when case is ignored; it is lower case itself. */
  private static final char LONG_S = 'ſ';

  private WordSplitter() {}

  static void split(String text, Consumer<String> words) {
    int start = 0;
    while (start < text.length()) {
      int end = endOfLiteral(text, start);
      if (end == start) {
        int first = text.codePointAt(start);
        end = start + Character.charCount(first);
        if (UnicodeText.isWhitespace(first)) {
          start = end;
          continue;
        }
        if (UnicodeText.isLetter(first)) {
          end = endOfRun(text, end, true);
        } else if (!UnicodeText.isNumber(first)) {
          end = endOfRun(text, end, false);
        }
      }
      words.accept(text.substring(start, end));
      start = end;
    }
  }

  private static int endOfLiteral(String text, int start) {
    char first = text.charAt(start);
    if (first == '<' || first == '\'') {
      for (String literal : LITERALS) {
        if (startsWith(text, start, literal)) {
          return start + literal.length();
        }
      }
    }
    return start;
  }

  private static boolean startsWith(String text, int start, String literal) {
    if (start + literal.length() > text.length()) {
      return false;
    }
    for (int i = 0; i < literal.length(); i++) {
      char c = text.charAt(start + i);
      if (c != literal.charAt(i) && !(c == LONG_S && literal.charAt(i) == 's')) {
        return false;
      }
    }
    return true;
  }

  /** End of a run of letters, or of marks and symbols. */
  private static int endOfRun(String text, int start, boolean letters) {
    int end = start;
    while (end < text.length()) {
      int c = text.codePointAt(end);
      boolean belongs =
          letters
              ? UnicodeText.isLetter(c)
              : !UnicodeText.isLetter(c)
                  && !UnicodeText.isNumber(c)
                  && !UnicodeText.isWhitespace(c);
      if (!belongs) {
        break;
      }
      end += Character.charCount(c);
    }
    return end;
  }
}
