package io.shardlight.templates;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Says a range of numbers as an extended regular expression of POSIX, without anchors and outer
 * brackets. Numbers are written as people write them: no sign before positive ones, no leading
 * zeros.
 */
final class NumberPattern {
  private NumberPattern() {}

  /**
   * Matches the multiples of {@code multipleOf} from {@code min} to {@code max}, and nothing else.
   *
   * @param min not negative
   */
  static String whole(long min, long max, int multipleOf) {
    if (min < 0 || max < min || multipleOf < 1) {
      throw new IllegalArgumentException(
          "a range must go up from 0 or more, in steps of 1 or more, but was %d to %d in steps of %d"
              .formatted(min, max, multipleOf));
    }
    List<String> lengths = new ArrayList<>();
    int shortestWhole = 0;
    int longestWhole = 0;
    long smallest = 0;
    for (int digits = 1; smallest <= max; digits++) {
      long largest = largest(digits);
      if (multipleOf == 1 && min <= Math.max(1, smallest) && largest <= max) {
        // All numbers of this length; 0 stands alone.
        if (digits == 1 && min == 0) {
          lengths.add("0");
        }
        shortestWhole = shortestWhole == 0 ? digits : shortestWhole;
        longestWhole = digits;
      } else if (largest >= min) {
        String low = String.valueOf(Math.max(min, smallest));
        lengths.addAll(tails(low, String.valueOf(Math.min(max, largest)), 0, multipleOf));
      }
      smallest = largest + 1;
    }
    if (longestWhole > 0) {
      lengths.add("[1-9]" + digits(shortestWhole - 1, longestWhole - 1));
    }
    return String.join("|", lengths);
  }

  /**
   * Matches decimal numbers from {@code min} to {@code max}, with a point or without.
   *
   * @param min a whole number that is not negative
   * @param max a whole number
   */
  static String decimal(long min, long max) {
    String end = max + "([.]0+)?";
    return max == min ? end : "(" + whole(min, max - 1, 1) + ")([.][0-9]+)?|" + end;
  }

  /** Any decimal number that is not negative. */
  static String decimal() {
    return "(0|[1-9][0-9]*)([.][0-9]+)?";
  }

  private static String digits(int fewest, int most) {
    if (most == 0) {
      return "";
    }
    return fewest == most ? "[0-9]".repeat(most) : "[0-9]{" + fewest + "," + most + "}";
  }

  /** 9, 99, 999 … */
  private static long largest(int digits) {
    long number = 9;
    for (int i = 1; i < digits; i++) {
      number = Math.addExact(Math.multiplyExact(number, 10), 9);
    }
    return number;
  }

  /**
   * Expressions for the digits of numbers between two of the same length. Digits with the same
   * continuations are one class of characters.
   *
   * @param carried remainder of the digits before these
   */
  private static List<String> tails(String low, String high, int carried, int multipleOf) {
    if (low.isEmpty()) {
      return carried == 0 ? List.of("") : List.of();
    }
    if (multipleOf == 1 && low.matches("0+") && high.matches("9+")) {
      // Not digit by digit: of ten digits that would be ten thousand million ways.
      return List.of("[0-9]".repeat(low.length()));
    }
    Map<String, List<Integer>> digitsByTail = new LinkedHashMap<>();
    int first = low.charAt(0) - '0';
    int last = high.charAt(0) - '0';
    for (int digit = first; digit <= last; digit++) {
      String below = digit == first ? low.substring(1) : "0".repeat(low.length() - 1);
      String above = digit == last ? high.substring(1) : "9".repeat(low.length() - 1);
      int remainder = (int) ((carried * 10L + digit) % multipleOf);
      List<String> tails = tails(below, above, remainder, multipleOf);
      if (!tails.isEmpty()) {
        digitsByTail.computeIfAbsent(alternatives(tails), t -> new ArrayList<>()).add(digit);
      }
    }
    List<String> result = new ArrayList<>();
    digitsByTail.forEach((tail, digits) -> result.add(oneOf(digits) + tail));
    return result;
  }

  private static String oneOf(List<Integer> digits) {
    if (digits.size() == 1) {
      return String.valueOf(digits.get(0));
    }
    int first = digits.get(0);
    int last = digits.get(digits.size() - 1);
    if (digits.size() > 2 && last - first == digits.size() - 1) {
      return "[" + first + "-" + last + "]";
    }
    StringBuilder all = new StringBuilder("[");
    digits.forEach(all::append);
    return all.append(']').toString();
  }

  private static String alternatives(Collection<String> expressions) {
    return expressions.size() == 1
        ? expressions.iterator().next()
        : "(" + String.join("|", expressions) + ")";
  }
}
