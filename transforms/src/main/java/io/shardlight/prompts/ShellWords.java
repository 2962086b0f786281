package io.shardlight.prompts;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a line into words as a POSIX shell does, and Python's {@code shlex.split}: white space
 * separates; between single quotes everything is as it is; between double quotes a backslash works
 * before {@code "} and {@code \}; elsewhere before any character. Nothing is expanded.
 */
final class ShellWords {
  private final String line;
  private final List<String> words = new ArrayList<>();
  private final StringBuilder word = new StringBuilder();
  private boolean inWord;
  private int at;

  private ShellWords(String line) {
    this.line = line;
  }

  /**
   * @throws IllegalArgumentException if a quote does not close or a backslash ends the line
   */
  static List<String> split(String line) {
    return new ShellWords(line).split();
  }

  private List<String> split() {
    while (at < line.length()) {
      char c = line.charAt(at++);
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        end();
        continue;
      }
      inWord = true;
      switch (c) {
        case '\'' -> quoted(c, "");
        case '"' -> quoted(c, "\"\\");
        case '\\' -> word.append(next("something behind the last backslash"));
        default -> word.append(c);
      }
    }
    end();
    return words;
  }

  /**
   * @param escapable characters that a backslash stands before; elsewhere it is itself
   */
  private void quoted(char quote, String escapable) {
    String wanted = "a second " + quote + " for the one in column " + at;
    for (char c = next(wanted); c != quote; c = next(wanted)) {
      boolean escapes = c == '\\' && at < line.length() && escapable.indexOf(line.charAt(at)) >= 0;
      word.append(escapes ? line.charAt(at++) : c);
    }
  }

  private char next(String wanted) {
    if (at == line.length()) {
      throw new IllegalArgumentException("wanted " + wanted + ", but the line ends");
    }
    return line.charAt(at++);
  }

  private void end() {
    if (inWord) {
      words.add(word.toString());
      word.setLength(0);
      inWord = false;
    }
  }
}
