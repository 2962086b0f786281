package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Sampling;
import io.shardlight.data.Seeds;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Reads a record's columns, whatever format they come from: those with a meaning are checked, the
 * others carried. A column that is absent, null or an empty text has no value. Numbers may come as
 * text ({@code "7"}), and whole ones with a fraction of zero ({@code 7.0}), as data frames with
 * gaps write them.
 */
final class PromptColumns {
  /** The column of the prompt; the first of these that a record has. */
  private static final List<String> PROMPT = List.of("prompt", "caption", "text");

  private static final int MAX_DIGITS = 100;

  /** Columns not read yet; what is left at the end is carried. */
  private final Map<String, JsonNode> left;

  private PromptColumns(Map<String, JsonNode> columns) {
    this.left = new LinkedHashMap<>(columns);
  }

  /**
   * Checks the columns of a file that names them once for all its records.
   *
   * @throws IOException if two have the same name, or none can be the prompt
   */
  static void requireNames(Collection<String> names) throws IOException {
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        throw new IOException(
            "wanted columns of different names, but found two called \""
                + shorten(name)
                + "\"; rename one");
      }
    }
    if (Collections.disjoint(PROMPT, seen)) {
      throw new IOException("wanted one of the columns " + PROMPT + ", but found " + listed(names));
    }
  }

  /**
   * @throws IllegalArgumentException if the record can't be used; its message is the reason
   */
  static Prompt parse(PromptSource source, Map<String, JsonNode> columns) {
    return new PromptColumns(columns).parse(source);
  }

  private Prompt parse(PromptSource source) {
    String promptColumn =
        PROMPT.stream()
            .filter(left::containsKey)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("wanted one of the columns " + PROMPT));
    String prompt =
        text(promptColumn)
            .map(String::strip)
            .filter(text -> !text.isEmpty())
            .orElseThrow(() -> new IllegalArgumentException(promptColumn + " is empty"));
    String id = take("id").map(PromptColumns::asText).orElse(Prompt.defaultId(source));
    requireEncodable("id", id);
    Overrides overrides =
        new Overrides(
            text("negative_prompt"),
            whole("seed", Seeds::require),
            whole("images", Prompt::requireImages),
            text("scheduler").map(SchedulerKind::fromOption),
            whole("steps", Sampling::requireSteps),
            number("guidance_scale")
                .map(scale -> Sampling.requireGuidanceScale(scale.doubleValue())),
            whole("width", pixels -> Sampling.requireSize("width", pixels)),
            whole("height", pixels -> Sampling.requireSize("height", pixels)));
    return new Prompt(source, id, prompt, overrides, carried());
  }

  private Optional<JsonNode> take(String column) {
    return Optional.ofNullable(left.remove(column))
        .filter(value -> !value.isNull() && !(value.isTextual() && value.textValue().isEmpty()));
  }

  private Optional<String> text(String column) {
    return take(column)
        .map(
            value -> {
              if (!value.isTextual()) {
                throw new IllegalArgumentException(
                    column + " must be text, but was JSON of type " + value.getNodeType());
              }
              return requireEncodable(column, value.textValue());
            });
  }

  private <T> Optional<T> whole(String column, Function<Long, T> check) {
    return number(column)
        .map(
            number -> {
              try {
                return number.longValueExact();
              } catch (ArithmeticException e) {
                throw new IllegalArgumentException(
                    column + " must be a whole number in range, but was " + shorten(number));
              }
            })
        .map(check);
  }

  private Optional<BigDecimal> number(String column) {
    return take(column)
        .map(
            value -> {
              String digits = value.isTextual() ? value.textValue().strip() : "";
              try {
                // No number of ours is longer, and parsing a megabyte of digits takes for ever.
                return value.isNumber()
                    ? value.decimalValue()
                    : new BigDecimal(digits.length() <= MAX_DIGITS ? digits : "");
              } catch (NumberFormatException e) {
                throw new IllegalArgumentException(
                    column + " must be a number, but was " + shorten(value));
              }
            });
  }

  private Map<String, String> carried() {
    Map<String, String> carried = new LinkedHashMap<>();
    left.forEach(
        (name, value) -> {
          if (!value.isNull()) {
            carried.put(requireEncodable("a column's name", name), asText(value));
          }
        });
    return carried;
  }

  /** Text as it is, everything else as JSON. */
  private static String asText(JsonNode value) {
    return requireEncodable("a column", value.isTextual() ? value.textValue() : value.toString());
  }

  /** JSON can spell what UTF-8, PNG and XML can't hold. */
  private static String requireEncodable(String column, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(column + " must not hold the character U+0000");
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (!Character.isHighSurrogate(c)
            || i + 1 == text.length()
            || !Character.isLowSurrogate(text.charAt(i + 1))) {
          throw new IllegalArgumentException(column + " must be Unicode, but has half a surrogate");
        }
        i++;
      }
    }
    return text;
  }

  private static String listed(Collection<String> names) {
    return names.stream().limit(20).map(PromptColumns::shorten).toList()
        + (names.size() > 20 ? " and others" : "");
  }

  private static String shorten(Object value) {
    String text = value.toString();
    return text.length() <= 40 ? text : text.substring(0, 40) + "…";
  }
}
