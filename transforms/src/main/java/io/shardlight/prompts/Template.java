package io.shardlight.prompts;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A part of a parsed template. How long it may become and whether it may become nothing is known
 * beforehand, so that a template that parses can be expanded, whatever is drawn. Wildcards share
 * their parts, so both are worked out once for each, from the inside.
 */
sealed interface Template {
  /** Draws one text. */
  String expand(Draws draws);

  /** No text is longer. */
  long maxLength();

  /** Whether a text may be blank. */
  boolean mayBeBlank();

  /** What stands there as it is. */
  record Literal(String text) implements Template {
    @Override
    public String expand(Draws draws) {
      return text;
    }

    @Override
    public long maxLength() {
      return text.length();
    }

    @Override
    public boolean mayBeBlank() {
      return text.isBlank();
    }
  }

  /** One part after the other. */
  final class Sequence implements Template {
    private final List<Template> parts;
    private final long maxLength;
    private final boolean mayBeBlank;

    Sequence(List<Template> parts) {
      this.parts = List.copyOf(parts);
      this.maxLength = parts.stream().mapToLong(Template::maxLength).reduce(0, Template::add);
      this.mayBeBlank = parts.stream().allMatch(Template::mayBeBlank);
    }

    @Override
    public String expand(Draws draws) {
      return parts.stream().map(part -> part.expand(draws)).collect(Collectors.joining());
    }

    @Override
    public long maxLength() {
      return maxLength;
    }

    @Override
    public boolean mayBeBlank() {
      return mayBeBlank;
    }
  }

  /**
   * @param weight how often it is drawn, relative to the others; not negative
   */
  record Option(double weight, Template template) {}

  /**
   * Some of several options, each at most once: between {@code low} and {@code high} of them, in
   * the order they are drawn. Where there are fewer, all.
   */
  final class Choice implements Template {
    private final int low;
    private final int high;
    private final String separator;
    private final List<Option> options;
    private final long maxLength;
    private final boolean mayBeBlank;

    Choice(int low, int high, String separator, List<Option> options) {
      this.options = options.stream().filter(option -> option.weight() > 0).toList();
      this.low = Math.min(low, this.options.size());
      this.high = Math.min(high, this.options.size());
      this.separator = separator;
      long longest = this.options.stream().mapToLong(o -> o.template().maxLength()).max().orElse(0);
      this.maxLength = multiply(add(longest, separator.length()), this.high);
      this.mayBeBlank =
          low == 0 || this.options.stream().anyMatch(option -> option.template().mayBeBlank());
    }

    @Override
    public String expand(Draws draws) {
      List<Option> left = new ArrayList<>(options);
      int count = low == high ? low : draws.between(low, high);
      List<String> chosen = new ArrayList<>();
      while (chosen.size() < count && !left.isEmpty()) {
        Option option = left.remove(draws.weighted(left.stream().map(Option::weight).toList()));
        chosen.add(option.template().expand(draws));
      }
      return String.join(separator, chosen);
    }

    @Override
    public long maxLength() {
      return maxLength;
    }

    @Override
    public boolean mayBeBlank() {
      return mayBeBlank;
    }
  }

  private static long add(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  private static long multiply(long a, long b) {
    return Math.multiplyHigh(a, b) != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
  }
}
