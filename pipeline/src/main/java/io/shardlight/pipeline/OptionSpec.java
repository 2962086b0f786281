package io.shardlight.pipeline;

import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Validation;

/**
 * One option as its annotations describe it.
 *
 * @param name as typed after the two dashes
 * @param defaultValue in the spelling of the command line; empty if there is none or if it is found
 *     while running
 */
public record OptionSpec(
    String name,
    Kind kind,
    String description,
    boolean required,
    Optional<String> defaultValue,
    Option limits) {

  /** What the text of a value is read as. */
  public enum Kind {
    TEXT,
    WHOLE_NUMBER,
    NUMBER,
    SWITCH
  }

  /**
   * Reads an option off its getter.
   *
   * @throws IllegalStateException if the getter lacks an annotation that help needs
   */
  public static OptionSpec of(Method getter, Option limits) {
    Description description = getter.getAnnotation(Description.class);
    if (description == null) {
      throw new IllegalStateException(getter + " has @Option but no @Description");
    }
    return new OptionSpec(
        nameOf(getter),
        kindOf(getter.getReturnType()),
        description.value(),
        getter.isAnnotationPresent(Validation.Required.class),
        defaultOf(getter),
        limits);
  }

  /** The same option where it may be left out. */
  OptionSpec optional() {
    return new OptionSpec(name, kind, description, false, defaultValue, limits);
  }

  /** The property that a getter reads: {@code getImageFormat}, {@code isVerbose}. */
  static String nameOf(Method getter) {
    String name = getter.getName();
    String bare = name.substring(name.startsWith("is") ? 2 : 3);
    return bare.substring(0, 1).toLowerCase(Locale.ROOT) + bare.substring(1);
  }

  /** The paths that a value names: several, globs among them, where files are to be read. */
  public List<String> places(String value) {
    return limits.stored() == Option.Stored.FILES_TO_READ
        ? FileChecks.patterns(value)
        : List.of(value);
  }

  /** What is wrong with a value and what would be right, without the option's name; or nothing. */
  public Optional<String> problem(String value) {
    String lower = value.toLowerCase(Locale.ROOT);
    for (String later : limits.notYet()) {
      if (later.toLowerCase(Locale.ROOT).equals(lower)) {
        return Optional.of("not available in this version; " + expectation());
      }
    }
    if (limits.values().length > 0) {
      if (listed(value).isPresent()) {
        return Optional.empty();
      }
      Optional<String> near = DidYouMean.nearest(value, List.of(limits.values()));
      return Optional.of(
          "unknown value; " + near.map(n -> "did you mean " + n + "? ").orElse("") + expectation());
    }
    return switch (kind) {
      case WHOLE_NUMBER, NUMBER -> numberProblem(value);
      case SWITCH ->
          lower.equals("true") || lower.equals("false")
              ? Optional.empty()
              : Optional.of("neither true nor false; " + expectation());
      case TEXT -> textProblem(value);
    };
  }

  /** The value as the program spells it: {@code --scheduler=PNDM} becomes {@code pndm}. */
  String canonical(String value) {
    return listed(value)
        .orElseGet(
            () ->
                switch (kind) {
                  case SWITCH -> value.toLowerCase(Locale.ROOT);
                  case WHOLE_NUMBER, NUMBER -> value.strip();
                  case TEXT -> value;
                });
  }

  /** What would be right, as a request: "give one of png, jpeg". */
  String expectation() {
    String example =
        limits.example().isEmpty() ? "" : ", for example --" + name + "=" + limits.example();
    if (limits.values().length == 1) {
      return "use " + limits.values()[0];
    }
    if (limits.values().length > 0) {
      return "use one of " + String.join(", ", limits.values());
    }
    if (!limits.patternText().isEmpty()) {
      return "give " + limits.patternText() + example;
    }
    return switch (kind) {
      case WHOLE_NUMBER, NUMBER -> "give " + rangeText() + example;
      case SWITCH -> "use --" + name + "=true or --" + name + "=false";
      case TEXT -> "give a value" + example;
    };
  }

  /** The range in words: "a whole number from 8 to 4096, a multiple of 8". */
  public String rangeText() {
    StringBuilder text =
        new StringBuilder(kind == Kind.WHOLE_NUMBER ? "a whole number" : "a number");
    boolean above = limits.min() != Double.NEGATIVE_INFINITY;
    boolean below = limits.max() != Double.POSITIVE_INFINITY;
    if (above) {
      text.append(" from ").append(plain(limits.min()));
    }
    if (below) {
      text.append(above ? " to " : " up to ").append(plain(limits.max()));
    } else if (above) {
      text.append(" up");
    }
    if (limits.multipleOf() > 1) {
      text.append(", a multiple of ").append(limits.multipleOf());
    }
    return text.toString();
  }

  private Optional<String> listed(String value) {
    for (String allowed : limits.values()) {
      if (allowed.equalsIgnoreCase(value.strip())) {
        return Optional.of(allowed);
      }
    }
    return Optional.empty();
  }

  private Optional<String> textProblem(String value) {
    if (value.isBlank() && limits.pattern().isEmpty()) {
      return Optional.of("empty; " + expectation());
    }
    if (!limits.pattern().isEmpty() && !Pattern.matches(limits.pattern(), value)) {
      return Optional.of("not understood; " + expectation());
    }
    return Optional.empty();
  }

  private Optional<String> numberProblem(String value) {
    BigDecimal number;
    try {
      number = new BigDecimal(value.strip());
    } catch (NumberFormatException e) {
      return Optional.of("not a number; " + expectation());
    }
    List<String> wrong = new ArrayList<>();
    if (kind == Kind.WHOLE_NUMBER && number.stripTrailingZeros().scale() > 0) {
      wrong.add("not a whole number");
    } else if (kind == Kind.WHOLE_NUMBER && !value.strip().matches("[+-]?[0-9]+")) {
      wrong.add("not written as a whole number");
    }
    double asDouble = number.doubleValue();
    if (asDouble < limits.min()) {
      wrong.add("too small");
    } else if (asDouble > limits.max()) {
      wrong.add("too large");
    } else if (wrong.isEmpty()
        && limits.multipleOf() > 1
        && number.remainder(BigDecimal.valueOf(limits.multipleOf())).signum() != 0) {
      wrong.add("not a multiple of " + limits.multipleOf());
    }
    return wrong.isEmpty()
        ? Optional.empty()
        : Optional.of(String.join(" and ", wrong) + "; " + expectation());
  }

  private static Kind kindOf(Class<?> type) {
    if (type == boolean.class || type == Boolean.class) {
      return Kind.SWITCH;
    }
    if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
      return Kind.WHOLE_NUMBER;
    }
    if (type == float.class
        || type == Float.class
        || type == double.class
        || type == Double.class) {
      return Kind.NUMBER;
    }
    return Kind.TEXT;
  }

  private static Optional<String> defaultOf(Method getter) {
    if (getter.isAnnotationPresent(Default.String.class)) {
      return Optional.of(getter.getAnnotation(Default.String.class).value());
    }
    if (getter.isAnnotationPresent(Default.Integer.class)) {
      return Optional.of(String.valueOf(getter.getAnnotation(Default.Integer.class).value()));
    }
    if (getter.isAnnotationPresent(Default.Long.class)) {
      return Optional.of(String.valueOf(getter.getAnnotation(Default.Long.class).value()));
    }
    if (getter.isAnnotationPresent(Default.Float.class)) {
      return Optional.of(plain(getter.getAnnotation(Default.Float.class).value()));
    }
    if (getter.isAnnotationPresent(Default.Double.class)) {
      return Optional.of(plain(getter.getAnnotation(Default.Double.class).value()));
    }
    if (getter.isAnnotationPresent(Default.Boolean.class)) {
      return Optional.of(String.valueOf(getter.getAnnotation(Default.Boolean.class).value()));
    }
    return Optional.empty();
  }

  private static String plain(double number) {
    return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
  }
}
