package io.shardlight.pipeline;

import java.io.IOException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What stands in braces in {@code --input} and {@code --output}, filled in once, when a job is
 * submitted, so that a scheduled command line is the same every night. Both tokens give the same
 * place when the same command is typed again, which goes on with what was stopped; that is why
 * there is none for the time.
 */
final class PlaceTokens {
  /** The day of the run, such as {@code 2026-11-26}. */
  static final String DATE = "{date}";

  /** The first digits of {@link InputFiles#sha256}, so that the same input has the same output. */
  static final String INPUT_HASH = "{inputHash}";

  private static final int HASH_DIGITS = 12;
  private static final String OPTION = "runDate";

  /** Doubled braces first, which stand for one. */
  private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{[^{}]*}|[{}]");

  private static final String KNOWN =
      "use {date}, the day of the run, or {inputHash}, which the same input files have in common;"
          + " {{ and }} stand for braces";

  private final LocalDate date;

  private PlaceTokens(LocalDate date) {
    this.date = date;
  }

  /**
   * Takes the day of {@code --runDate}, or today's in UTC.
   *
   * @param problems gets a line if it is none, or if nothing has a place for it
   */
  static PlaceTokens of(CommandLine line, List<String> problems) {
    LocalDate today = LocalDate.now(ZoneOffset.UTC);
    Optional<String> given = line.usable(OPTION);
    if (given.isEmpty()) {
      return new PlaceTokens(today);
    }
    String option = "--" + OPTION + "=" + given.get() + ": ";
    boolean used =
        line.usable("input").filter(value -> value.contains(DATE)).isPresent()
            || line.usable("output").filter(value -> value.contains(DATE)).isPresent();
    if (!used) {
      problems.add(
          option
              + "fills in {date}, which neither --input nor --output has; write it there, or leave"
              + " this option out");
    }
    try {
      return new PlaceTokens(LocalDate.parse(given.get()));
    } catch (DateTimeParseException e) {
      problems.add(option + "no day of the calendar; give one as 2026-11-26");
      return new PlaceTokens(today);
    }
  }

  /** With the day in the place of {@code {date}}; other braces are alternatives of a glob. */
  String input(String value) {
    return value.replace(DATE, date.toString());
  }

  /**
   * With all tokens filled in.
   *
   * @param input looked at if its hash is asked for
   * @param problems gets a line if a token is not known, or the input's files cannot be read
   * @return empty if there is a problem
   */
  Optional<String> output(String value, InputFiles input, List<String> problems) {
    StringBuilder place = new StringBuilder();
    Matcher braces = BRACES.matcher(value);
    while (braces.find()) {
      Optional<String> text = fill(value, braces.group(), input, problems);
      if (text.isEmpty()) {
        return Optional.empty();
      }
      braces.appendReplacement(place, Matcher.quoteReplacement(text.get()));
    }
    braces.appendTail(place);
    return Optional.of(place.toString());
  }

  private Optional<String> fill(
      String value, String found, InputFiles input, List<String> problems) {
    String option = "--output=" + value + ": ";
    switch (found) {
      case "{{" -> {
        return Optional.of("{");
      }
      case "}}" -> {
        return Optional.of("}");
      }
      case DATE -> {
        return Optional.of(date.toString());
      }
      case INPUT_HASH -> {
        try {
          return Optional.of(input.sha256().substring(0, HASH_DIGITS));
        } catch (IOException e) {
          problems.add(option + "{inputHash} cannot be told: " + Causes.line(e));
        }
      }
      default ->
          problems.add(
              option
                  + (found.length() == 1
                      ? "a " + found + " that stands alone; "
                      : found + " is not known; ")
                  + DidYouMean.nearest(found, List.of(DATE, INPUT_HASH))
                      .map(near -> "did you mean " + near + "? ")
                      .orElse("")
                  + KNOWN);
    }
    return Optional.empty();
  }
}
