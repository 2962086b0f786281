package io.shardlight.templates;

import io.shardlight.pipeline.Option;
import io.shardlight.pipeline.OptionSpec;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What Dataflow compares a parameter's value with before it launches anything: an extended regular
 * expression of POSIX, from {@code ^} to {@code $}, which means the same to RE2 and to Java. It
 * accepts nothing that the pipeline refuses for the option alone, in the spelling of help. An
 * optional parameter may be empty, as forms send it.
 */
final class ParameterPattern {
  /** A bucket's name, and what may follow it. Backslashes mean nothing within POSIX's brackets. */
  private static final String BUCKET = "gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]";

  private static final String ANY_TEXT = "(?s).*";
  private static final String ANY_CASE = "(?i)";

  /** What Java has and POSIX does not: classes by letter, groups with a question mark, laziness. */
  private static final Pattern FOREIGN = Pattern.compile("[\\\\]|\\(\\?|[*+?}][?+]|&&|\\[\\[");

  private ParameterPattern() {}

  /**
   * The expression; empty if any text will do.
   *
   * @throws IllegalStateException if the option's own pattern cannot be said in POSIX's words
   */
  static Optional<String> of(OptionSpec spec) {
    return inner(spec).map(text -> "^(" + text + (spec.required() ? ")$" : ")?$"));
  }

  private static Optional<String> inner(OptionSpec spec) {
    Option limits = spec.limits();
    if (limits.values().length > 0) {
      return Optional.of(String.join("|", List.of(limits.values())));
    }
    return switch (limits.stored()) {
      case FILES_TO_READ -> Optional.of(BUCKET + "/.+");
      case FOLDER_TO_READ, FOLDER_TO_WRITE -> Optional.of(BUCKET + "(/.*)?");
      case NOTHING ->
          switch (spec.kind()) {
            case SWITCH -> Optional.of("true|false");
            case WHOLE_NUMBER -> Optional.of(whole(limits));
            case NUMBER -> Optional.of(decimal(limits));
            case TEXT -> text(spec);
          };
    };
  }

  private static String whole(Option limits) {
    if (Double.isInfinite(limits.min()) || Double.isInfinite(limits.max())) {
      return "-?[0-9]+";
    }
    return NumberPattern.whole((long) limits.min(), (long) limits.max(), limits.multipleOf());
  }

  private static String decimal(Option limits) {
    double min = limits.min();
    double max = limits.max();
    if (min < 0) {
      return "-?" + NumberPattern.decimal();
    }
    return Double.isInfinite(max) || min != Math.rint(min) || max != Math.rint(max)
        ? NumberPattern.decimal()
        : NumberPattern.decimal((long) min, (long) max);
  }

  private static Optional<String> text(OptionSpec spec) {
    String cloud = spec.limits().cloudPattern();
    String pattern = cloud.isEmpty() ? spec.limits().pattern() : cloud;
    if (pattern.isEmpty() || pattern.equals(ANY_TEXT)) {
      return Optional.empty();
    }
    String posix = pattern.startsWith(ANY_CASE) ? pattern.substring(ANY_CASE.length()) : pattern;
    if (FOREIGN.matcher(posix).find()) {
      throw new IllegalStateException(
          "the pattern of option "
              + spec.name()
              + " must be one that POSIX's extended expressions have, as template metadata needs"
              + " it, but is "
              + pattern
              + "; say it without backslashes and groups of the form (?");
    }
    return Optional.of(posix);
  }
}
