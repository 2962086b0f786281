package io.shardlight.prompts;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Parses the templates of A1111's Dynamic Prompts, but for variables: {@code {red|blue}}, weights
 * {@code {3::red|blue}}, several {@code {2$$ and $$red|blue|green}} or {@code {1-2$$…}}, wildcards
 * {@code __colours/warm__} with {@code *} for parts of names, one within the other as deep as they
 * like. A backslash before one of {@code { } | _} makes it plain text.
 */
final class TemplateParser {
  /** Longer than any prompt that a text encoder sees. */
  private static final int MAX_CHARS = 1 << 16;

  private static final int MAX_DEPTH = 100;

  private static final Pattern WILDCARD =
      Pattern.compile("__([\\p{L}\\p{N}*./-]+(?:_[\\p{L}\\p{N}*./-]+)*)__");
  private static final Pattern WEIGHT =
      Pattern.compile("\\s*([0-9]{1,9}(?:\\.[0-9]{0,9})?|\\.[0-9]{1,9})::");
  private static final Pattern COUNT =
      Pattern.compile("([0-9]{0,4})(-?)([0-9]{0,4})\\$\\$(?:([^{}|$]*)\\$\\$)?");
  private static final Pattern SOLE_WILDCARD =
      Pattern.compile("\\s*" + WILDCARD.pattern() + "\\s*");

  private final String text;
  private final Wildcards wildcards;
  private int at;
  private int depth;

  private TemplateParser(String text, Wildcards wildcards) {
    this.text = text;
    this.wildcards = wildcards;
  }

  /** Whether there is anything to expand; other texts stay as typed, backslashes too. */
  static boolean isTemplate(String text) {
    return text.indexOf('{') >= 0 || text.indexOf('}') >= 0 || WILDCARD.matcher(text).find();
  }

  /**
   * @throws IllegalArgumentException if it can't be expanded, telling why
   */
  static Template parse(String text, Wildcards wildcards) {
    TemplateParser parser = new TemplateParser(text, wildcards);
    Template template = parser.sequence("");
    parser.requireEnd();
    if (template.maxLength() > MAX_CHARS) {
      throw new IllegalArgumentException(
          "wanted a template of at most " + MAX_CHARS + " characters once expanded");
    }
    return template;
  }

  /** A value of a wildcard file, which may have a weight. */
  static Template.Option option(String value, Wildcards wildcards) {
    TemplateParser parser = new TemplateParser(value, wildcards);
    Template.Option option = parser.option("");
    parser.requireEnd();
    return option;
  }

  private void requireEnd() {
    if (at < text.length()) {
      throw new IllegalArgumentException(
          "the brace that closes in column "
              + (at + 1)
              + " never opened; write \\} for a plain one");
    }
  }

  /** Up to one of some characters or a closing brace, which is left. */
  private Template sequence(String ends) {
    List<Template> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '}' || ends.indexOf(c) >= 0) {
        break;
      }
      Matcher wildcard = WILDCARD.matcher(text).region(at, text.length());
      if (c == '\\' && at + 1 < text.length() && "{}|_".indexOf(text.charAt(at + 1)) >= 0) {
        literal.append(text.charAt(at + 1));
        at += 2;
      } else if (c == '{') {
        flush(literal, parts);
        parts.add(choice());
      } else if (c == '_' && wildcard.lookingAt()) {
        flush(literal, parts);
        parts.add(new Template.Choice(1, 1, "", wildcards.options(wildcard.group(1))));
        at = wildcard.end();
      } else if (c == '$' && text.startsWith("${", at)) {
        throw new IllegalArgumentException(
            "variables (${…}) are not available, but column " + (at + 1) + " has one");
      } else {
        literal.append(c);
        at++;
      }
    }
    flush(literal, parts);
    return parts.size() == 1 ? parts.get(0) : new Template.Sequence(parts);
  }

  private static void flush(StringBuilder literal, List<Template> parts) {
    if (literal.length() > 0) {
      parts.add(new Template.Literal(literal.toString()));
      literal.setLength(0);
    }
  }

  private Template choice() {
    int opened = at + 1;
    if (++depth > MAX_DEPTH) {
      throw new IllegalArgumentException("wanted at most " + MAX_DEPTH + " braces in each other");
    }
    at++;
    int low = 1;
    int high = 1;
    String separator = "";
    Matcher count = COUNT.matcher(text).region(at, text.length());
    if (count.lookingAt()) {
      at = count.end();
      boolean range = !count.group(2).isEmpty();
      low = number(count.group(1), 1);
      high = range ? number(count.group(3), Integer.MAX_VALUE) : low;
      separator = count.group(4) == null ? ", " : count.group(4);
      if (low > high || (!range && !count.group(3).isEmpty())) {
        throw new IllegalArgumentException(
            "wanted a count or a range before $$, but found " + count.group());
      }
    }
    List<Template.Option> options = options(opened);
    if (options.stream().noneMatch(option -> option.weight() > 0)) {
      throw new IllegalArgumentException(
          "the weights of the brace that opens in column " + opened + " are all zero");
    }
    depth--;
    return new Template.Choice(low, high, separator, options);
  }

  /** A single wildcard in braces gives its values, so that several different ones can be drawn. */
  private List<Template.Option> options(int opened) {
    int begin = at;
    List<Template.Option> options = new ArrayList<>();
    do {
      options.add(option("|"));
      if (at == text.length()) {
        throw new IllegalArgumentException(
            "the brace that opens in column "
                + opened
                + " never closes; write \\{ for a plain one");
      }
    } while (text.charAt(at++) == '|');
    Matcher sole = SOLE_WILDCARD.matcher(text).region(begin, at - 1);
    return sole.matches() ? wildcards.options(sole.group(1)) : options;
  }

  private Template.Option option(String ends) {
    double weight = 1;
    Matcher weighted = WEIGHT.matcher(text).region(at, text.length());
    if (weighted.lookingAt()) {
      weight = Double.parseDouble(weighted.group(1));
      at = weighted.end();
    }
    return new Template.Option(weight, sequence(ends));
  }

  private static int number(String digits, int otherwise) {
    return digits.isEmpty() ? otherwise : Integer.parseInt(digits);
  }
}
