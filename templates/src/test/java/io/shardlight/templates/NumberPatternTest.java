package io.shardlight.templates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NumberPatternTest {
  /** Every number up to beyond the end, and what is no number of this form. */
  @ParameterizedTest
  @CsvSource({
    "0, 0, 1",
    "0, 9, 1",
    "1, 1, 1",
    "1, 10, 1",
    "7, 7, 1",
    "5, 1234, 1",
    "10, 99, 1",
    "11, 99, 1",
    "99, 101, 1",
    "100, 1000, 1",
    "1, 999, 1",
    "0, 2048, 8",
    "8, 2048, 8",
    "3, 1000, 7",
    "0, 100, 3",
    "997, 2003, 1"
  })
  void matchesTheMultiplesWithinTheRangeAndNothingElse(int min, int max, int multipleOf)
      throws Exception {
    String expression = "^(" + NumberPattern.whole(min, max, multipleOf) + ")$";
    List<String> numbers =
        Stream.concat(
                IntStream.rangeClosed(0, max + 1200).mapToObj(String::valueOf),
                Stream.of("", "-1", "+5", "007", "08", "1.0", "5 ", " 5", "a", "1e1", "12345678"))
            .toList();
    List<String> right =
        IntStream.rangeClosed(min, max)
            .filter(n -> n % multipleOf == 0)
            .mapToObj(String::valueOf)
            .toList();
    Pattern pattern = Pattern.compile(expression);

    assertThat(numbers.stream().filter(n -> pattern.matcher(n).find()).toList()).isEqualTo(right);
    assertThat(Grep.matching(expression, numbers)).isEqualTo(right);
  }

  @Test
  void knowsTheEndsOfLargeRanges() throws Exception {
    String expression = "^(" + NumberPattern.whole(0, 4294967295L, 1) + ")$";

    assertThat(
            Grep.matching(
                expression,
                List.of("0", "4294967295", "4294967296", "4300000000", "999999999", "10000000000")))
        .containsExactly("0", "4294967295", "999999999");
  }

  @Test
  void readsFractionsWithinTheRange() throws Exception {
    String expression = "^(" + NumberPattern.decimal(0, 30) + ")$";

    assertThat(
            Grep.matching(
                expression,
                List.of(
                    "0", "0.0", "7.5", "29.999", "30", "30.0", "30.01", "31", "-1", "1.", ".5",
                    "7,5", "1e1", "00.5", "NaN")))
        .containsExactly("0", "0.0", "7.5", "29.999", "30", "30.0");
  }

  @Test
  void refusesRangesThatItCannotSay() {
    assertThatThrownBy(() -> NumberPattern.whole(-1, 5, 1)).hasMessageContaining("-1 to 5");
    assertThatThrownBy(() -> NumberPattern.whole(6, 5, 1)).hasMessageContaining("6 to 5");
  }
}
