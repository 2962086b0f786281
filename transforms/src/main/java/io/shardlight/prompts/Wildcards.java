package io.shardlight.prompts;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.Sha256;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The values that {@code __name__} may become, by name: that of a text file without its end and
 * with {@code /} between folders. Values are templates themselves, parsed when first asked for. Not
 * thread-safe.
 */
final class Wildcards {
  private static final int MAX_DEPTH = 100;

  private final NavigableMap<String, List<String>> values;
  private final Map<String, List<Template.Option>> parsed = new HashMap<>();
  private final Deque<String> open = new ArrayDeque<>();

  private Wildcards(NavigableMap<String, List<String>> values) {
    this.values = values;
  }

  /**
   * @param files lines of each file, by its name; blank ones and those that begin with {@code #}
   *     are no values
   */
  static Wildcards of(Map<String, List<String>> files) {
    NavigableMap<String, List<String>> values = new TreeMap<>();
    files.forEach(
        (name, lines) ->
            values.put(
                name,
                lines.stream()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                    .toList()));
    return new Wildcards(Collections.unmodifiableNavigableMap(values));
  }

  /** Lower-case hex SHA-256 of names and values; comments don't count. */
  String sha256() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    values.forEach(
        (name, lines) -> {
          ArrayNode array = json.putArray(name);
          lines.forEach(array::add);
        });
    return Sha256.hex(CanonicalJson.write(json));
  }

  /**
   * The values of a name, in which each {@code *} stands for any characters but {@code /}.
   *
   * @throws IllegalArgumentException if there are none, one can't be parsed, or they lead back to
   *     the name
   */
  List<Template.Option> options(String pattern) {
    List<String> names = values.keySet().stream().filter(matching(pattern)).toList();
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          "wanted a wildcard file for __"
              + pattern
              + "__, but "
              + (values.isEmpty()
                  ? "there are none; give their folder with --wildcards"
                  : known()));
    }
    List<Template.Option> options = new ArrayList<>();
    for (String name : names) {
      options.addAll(options(name, pattern));
    }
    if (options.isEmpty()) {
      throw new IllegalArgumentException("the wildcard file of __" + pattern + "__ has no values");
    }
    return options;
  }

  private List<Template.Option> options(String name, String pattern) {
    List<Template.Option> known = parsed.get(name);
    if (known != null) {
      return known;
    }
    if (open.contains(name)) {
      List<String> round = new ArrayList<>(open);
      Collections.reverse(round);
      round.add(name);
      throw new IllegalArgumentException(
          "wildcards go round for ever: " + String.join(" → ", round));
    }
    if (open.size() == MAX_DEPTH) {
      throw new IllegalArgumentException(
          "wanted at most " + MAX_DEPTH + " wildcards in each other");
    }
    open.push(name);
    try {
      List<Template.Option> options = new ArrayList<>();
      for (String value : values.getOrDefault(name, List.of())) {
        options.add(TemplateParser.option(value, this));
      }
      parsed.put(name, List.copyOf(options));
      return options;
    } catch (IllegalArgumentException e) {
      // Outermost first, so that the reason reads as the way to the place.
      throw open.size() > 1 || String.valueOf(e.getMessage()).startsWith("wildcards go")
          ? e
          : new IllegalArgumentException("in __" + pattern + "__: " + e.getMessage(), e);
    } finally {
      open.pop();
    }
  }

  private static Predicate<String> matching(String pattern) {
    String regex =
        Arrays.stream(pattern.split("\\*", -1))
            .map(Pattern::quote)
            .collect(Collectors.joining("[^/]*"));
    return Pattern.compile(regex).asMatchPredicate();
  }

  private String known() {
    return "found only "
        + values.keySet().stream().limit(20).toList()
        + (values.size() > 20 ? " and others" : "");
  }
}
