package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The words after a command, read against its options. {@code --name=value} is the form; {@code
 * --name value} is taken too when the value does not start with a dash, and a switch needs no
 * value. Every problem is collected, none thrown, so that all are shown at once.
 */
final class CommandLine {
  private final OptionCatalog catalog;
  private final Map<String, String> given = new LinkedHashMap<>();

  /** In the order given; one that holds a list, such as experiments, may come several times. */
  private final List<Map.Entry<String, String>> passedOn = new ArrayList<>();

  private final Set<String> unusable = new HashSet<>();
  private final List<String> problems = new ArrayList<>();

  /** Words so far that stand without a name. */
  private int bareWords;

  private CommandLine(OptionCatalog catalog) {
    this.catalog = catalog;
  }

  /**
   * Reads and checks the words of a command that takes one word without a name, the value of {@code
   * operand}.
   *
   * @param passedOnNames options of a library behind the command, accepted without a check
   */
  static CommandLine parseWithOperand(
      String operand, List<String> words, OptionCatalog catalog, Set<String> passedOnNames) {
    List<String> named = new ArrayList<>();
    boolean valueFollows = false;
    for (String word : words) {
      boolean bare = !valueFollows && !word.startsWith("-");
      named.add(bare ? "--" + operand + "=" + word : word);
      valueFollows =
          word.startsWith("--")
              && (passedOnNames.contains(word.substring(2))
                  || catalog
                      .find(word.substring(2))
                      .filter(spec -> spec.kind() != OptionSpec.Kind.SWITCH)
                      .isPresent());
    }
    return parse(named, catalog, passedOnNames);
  }

  /**
   * Reads and checks.
   *
   * @param passedOnNames options of a library behind the command, accepted without a check
   */
  static CommandLine parse(List<String> words, OptionCatalog catalog, Set<String> passedOnNames) {
    CommandLine line = new CommandLine(catalog);
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      if (word.equals("-h")) {
        word = "--help";
      }
      if (!word.startsWith("--") || word.equals("--")) {
        line.problems.add("'" + word + "': not an option; " + line.meant(word, words));
        continue;
      }
      int equals = word.indexOf('=');
      String name = word.substring(2, equals < 0 ? word.length() : equals);
      Optional<OptionSpec> spec = catalog.find(name);
      boolean needsValue =
          spec.isPresent()
              ? spec.get().kind() != OptionSpec.Kind.SWITCH
              : passedOnNames.contains(name);
      Optional<String> value = Optional.empty();
      if (equals >= 0) {
        value = Optional.of(word.substring(equals + 1));
      } else if (needsValue && i + 1 < words.size() && !words.get(i + 1).startsWith("-")) {
        value = Optional.of(words.get(++i));
      }
      if (spec.isPresent()) {
        line.accept(spec.get(), value);
      } else if (passedOnNames.contains(name)) {
        line.passedOn.add(Map.entry(name, value.orElse("true")));
      } else {
        line.unknown(name, value, passedOnNames);
      }
    }
    for (OptionSpec spec : catalog.specs()) {
      if (spec.required() && !line.given.containsKey(spec.name()) && !line.isSet("help")) {
        line.problems.add("--" + spec.name() + ": missing; " + spec.expectation());
      }
    }
    return line;
  }

  /** What somebody may have meant who wrote a value without a name. */
  private String meant(String word, List<String> words) {
    return catalog.specs().stream()
        .filter(spec -> spec.required() && !word.startsWith("-"))
        .map(OptionSpec::name)
        .filter(
            name ->
                words.stream()
                    .noneMatch(w -> w.equals("--" + name) || w.startsWith("--" + name + "=")))
        // The second such word is the second such option.
        .skip(bareWords++)
        .findFirst()
        .map(name -> "did you mean --" + name + "=" + word + "?")
        .orElse("options are written --name=value");
  }

  private void accept(OptionSpec spec, Optional<String> value) {
    if (value.isEmpty() && spec.kind() != OptionSpec.Kind.SWITCH) {
      problems.add("--" + spec.name() + ": has no value; " + spec.expectation());
      given.putIfAbsent(spec.name(), "");
      unusable.add(spec.name());
      return;
    }
    String text = value.orElse("true");
    if (given.containsKey(spec.name())) {
      problems.add(shown(spec.name(), Optional.of(text)) + ": given twice; keep one");
      return;
    }
    Optional<String> problem = spec.problem(text);
    if (problem.isPresent()) {
      problems.add(shown(spec.name(), Optional.of(text)) + ": " + problem.get());
      unusable.add(spec.name());
    }
    given.put(spec.name(), problem.isPresent() ? text : spec.canonical(text));
  }

  /** An option in a message. Whoever gives a token here by mistake is not to find it in a log. */
  private static String shown(String name, Optional<String> value) {
    boolean secret = name.toLowerCase(Locale.ROOT).contains("token");
    return "--" + name + value.filter(v -> !secret).map(v -> "=" + v).orElse("");
  }

  private void unknown(String name, Optional<String> value, Set<String> passedOnNames) {
    if (catalog.isNotYet(name)) {
      problems.add(shown(name, value) + ": not available in this version; leave it out");
      return;
    }
    Optional<String> near =
        DidYouMean.nearest(name, catalog.names()).or(() -> DidYouMean.nearest(name, passedOnNames));
    problems.add(
        shown(name, value)
            + ": no such option; "
            + near.map(n -> "did you mean --" + n + "?").orElse("--help lists all"));
  }

  /** One line a problem; empty if the command may start. */
  List<String> problems() {
    return problems;
  }

  /** The value given, or the default; empty if there is neither. */
  Optional<String> value(String name) {
    OptionSpec spec =
        catalog.find(name).orElseThrow(() -> new IllegalArgumentException("no option " + name));
    return Optional.ofNullable(given.get(name)).or(spec::defaultValue);
  }

  /** The value, if there is one and nothing is wrong with it by itself. */
  Optional<String> usable(String name) {
    return unusable.contains(name) ? Optional.empty() : value(name);
  }

  /** Whether the command has an option of that name. */
  boolean has(String name) {
    return catalog.find(name).isPresent();
  }

  /** Whether it was not given, or given a value that it may have. */
  boolean isUsable(String name) {
    return !unusable.contains(name);
  }

  boolean isSet(String name) {
    return value(name).equals(Optional.of("true"));
  }

  boolean isGiven(String name) {
    return given.containsKey(name) || passedOn.stream().anyMatch(e -> e.getKey().equals(name));
  }

  /** What was given of the options that are passed on, for Beam to read. */
  List<String> passedOnArguments() {
    List<String> arguments = new ArrayList<>();
    passedOn.forEach(e -> arguments.add("--" + e.getKey() + "=" + e.getValue()));
    return arguments;
  }

  /** As {@link #toArguments}, without the values that are wrong by themselves. */
  List<String> usableArguments(Set<String> without) {
    Set<String> left = new HashSet<>(without);
    left.addAll(unusable);
    return toArguments(left);
  }

  /** What was given, as {@code --name=value} in the program's own spelling, for Beam to read. */
  List<String> toArguments(Set<String> without) {
    List<String> arguments = new ArrayList<>();
    given.forEach(
        (name, value) -> {
          if (!without.contains(name)) {
            arguments.add("--" + name + "=" + value);
          }
        });
    arguments.addAll(passedOnArguments());
    return arguments;
  }
}
