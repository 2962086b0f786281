package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Lays out help, 80 columns wide, from the same descriptions that check the options. */
final class HelpText {
  static final int WIDTH = 80;
  private static final int INDENT = 6;

  private HelpText() {}

  /** A command's help: what it does, how it is called, all options under their headings. */
  static String of(String usage, String description, OptionCatalog catalog, String examples) {
    StringBuilder text = new StringBuilder();
    text.append("Usage: ").append(usage).append("\n\n");
    wrap(description, WIDTH).forEach(line -> text.append(line).append('\n'));
    OptionGroup group = null;
    for (OptionSpec spec : catalog.specs()) {
      if (spec.limits().group() != group) {
        group = spec.limits().group();
        text.append('\n').append(group.title()).append(":\n");
      }
      text.append("  --").append(spec.name()).append(form(spec)).append('\n');
      for (String line : wrap(spec.description() + facts(spec), WIDTH - INDENT)) {
        text.append(" ".repeat(INDENT)).append(line).append('\n');
      }
    }
    if (!examples.isEmpty()) {
      text.append("\nExamples:\n");
      examples.lines().forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.toString();
  }

  private static String form(OptionSpec spec) {
    if (spec.limits().values().length > 0) {
      return "=" + String.join("|", spec.limits().values());
    }
    return switch (spec.kind()) {
      case SWITCH -> spec.defaultValue().equals(Optional.of("true")) ? "=true|false" : "";
      case WHOLE_NUMBER, NUMBER -> "=NUMBER";
      case TEXT -> "=VALUE";
    };
  }

  private static String facts(OptionSpec spec) {
    List<String> facts = new ArrayList<>();
    if (spec.kind() == OptionSpec.Kind.WHOLE_NUMBER || spec.kind() == OptionSpec.Kind.NUMBER) {
      String range = spec.rangeText();
      facts.add(Character.toUpperCase(range.charAt(0)) + range.substring(1));
    }
    if (spec.required()) {
      facts.add("Required");
    } else if (!spec.limits().defaultText().isEmpty()) {
      facts.add("Default: " + spec.limits().defaultText());
    } else if (spec.kind() != OptionSpec.Kind.SWITCH || spec.defaultValue().isPresent()) {
      spec.defaultValue()
          .filter(v -> spec.kind() != OptionSpec.Kind.SWITCH || v.equals("true"))
          .ifPresent(v -> facts.add("Default: " + v));
    }
    if (!spec.limits().example().isEmpty()) {
      facts.add("Example: " + spec.limits().example());
    }
    return facts.isEmpty() ? "" : " " + String.join(". ", facts) + ".";
  }

  /** Breaks at spaces; a word longer than the width stands alone. */
  static List<String> wrap(String text, int width) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ", -1)) {
      if (line.length() > 0 && line.length() + 1 + word.length() > width) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() > 0 ? " " : "").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
