package io.shardlight.diffusion.model;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Activation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads one component's {@code config.json} so that nothing in it is overlooked: every key is read,
 * held to the values that this program computes, declared irrelevant, or refused.
 */
final class ConfigReader {
  private final String file;
  private final JsonNode config;
  private final Set<String> seen = new HashSet<>();

  /**
   * @param file for messages: {@code unet/config.json}
   * @throws UnsupportedConfigException if {@code config} is not a JSON object
   */
  ConfigReader(String file, JsonNode config) {
    this.file = file;
    this.config = config;
    if (!config.isObject()) {
      throw new UnsupportedConfigException(
          file + ": a JSON object is needed, but found " + config.getNodeType());
    }
  }

  /** An integer of at least 1. */
  int count(String key, int absent) {
    return read(key, absent, "an integer of at least 1", ConfigReader::asCount);
  }

  float number(String key, float absent) {
    return read(
        key,
        absent,
        "a number",
        node -> node.isNumber() ? Optional.of(node.floatValue()) : Optional.empty());
  }

  boolean flag(String key, boolean absent) {
    return read(
        key,
        absent,
        "true or false",
        node -> node.isBoolean() ? Optional.of(node.booleanValue()) : Optional.empty());
  }

  Activation activation(String key, Activation absent) {
    return read(
        key,
        absent,
        "silu, swish, gelu, gelu_new, gelu_pytorch_tanh or quick_gelu",
        node -> asText(node).flatMap(ConfigReader::asActivation));
  }

  List<Integer> counts(String key, List<Integer> absent) {
    return read(
        key, absent, "a list of integers of at least 1", n -> asList(n, ConfigReader::asCount));
  }

  List<String> texts(String key, List<String> absent) {
    return read(key, absent, "a list of strings", n -> asList(n, ConfigReader::asText));
  }

  /** An integer of at least 1, or an object that has it, the same, under each of some names. */
  int countOrEach(String key, int absent, String... names) {
    return read(
        key,
        absent,
        "an integer of at least 1, or an object with it as " + String.join(" and ", names),
        node -> {
          if (!node.isObject()) {
            return asCount(node);
          }
          Optional<Integer> first = asCount(node.path(names[0]));
          boolean alike =
              node.size() == names.length
                  && Stream.of(names).allMatch(name -> asCount(node.path(name)).equals(first));
          return alike ? first : Optional.empty();
        });
  }

  /** A list of {@code absent.size()} numbers. */
  List<Double> numbers(String key, List<Double> absent) {
    return read(
        key,
        absent,
        "a list of " + absent.size() + " numbers",
        node ->
            asList(
                    node,
                    item ->
                        item.isNumber()
                            ? Optional.of(item.doubleValue())
                            : Optional.<Double>empty())
                .filter(list -> list.size() == absent.size()));
  }

  /** One integer for all of {@code size} places, or a list of that many; always {@code size}. */
  List<Integer> countForEach(String key, int absent, int size) {
    return read(
        key,
        Collections.nCopies(size, absent),
        "an integer of at least 1, or a list of " + size,
        node ->
            node.isArray()
                ? asList(node, ConfigReader::asCount).filter(list -> list.size() == size)
                : asCount(node).map(count -> Collections.nCopies(size, count)));
  }

  /**
   * Holds a key to the values under which it asks for nothing more than this program computes.
   *
   * @param absent what an absent key means to the reference
   * @param accepted values as JSON: {@code null}, {@code false}, {@code "default"}; a list of only
   *     accepted values is accepted too
   * @throws UnsupportedConfigException if the key has another value
   */
  void require(String key, String absent, String... accepted) {
    Set<String> allowed = Set.of(accepted);
    boolean fits =
        config.has(key) ? isAmong(config.get(key), allowed) : Set.of(accepted).contains(absent);
    seen.add(key);
    if (!fits) {
      throw refusal(key, String.join(" or ", accepted));
    }
  }

  /** Names keys that do not matter to the numbers computed here. */
  void ignore(String... keys) {
    seen.addAll(List.of(keys));
  }

  /**
   * Refuses the keys that nobody asked for; names that begin with an underscore are the writer's
   * own.
   *
   * @throws UnsupportedConfigException if there is such a key
   */
  void refuseTheRest() {
    List<String> unknown = new ArrayList<>();
    config
        .fieldNames()
        .forEachRemaining(
            key -> {
              if (!seen.contains(key) && !key.startsWith("_")) {
                unknown.add('"' + key + "\" = " + config.get(key));
              }
            });
    if (!unknown.isEmpty()) {
      throw new UnsupportedConfigException(
          file
              + ": "
              + String.join(", ", unknown)
              + " is not known here and might change what is computed; known are "
              + seen.stream().sorted().collect(Collectors.joining(", "))
              + "; if it is only a note, remove it");
    }
  }

  /** Says that the value found for a key is not supported, and which is. */
  UnsupportedConfigException refusal(String key, String supported) {
    String found = config.has(key) ? "is " + config.get(key) : "is absent";
    return new UnsupportedConfigException(
        file
            + ": \""
            + key
            + "\" "
            + found
            + ", but only "
            + supported
            + " is supported; use a Stable Diffusion 1.x or 2.x checkpoint in diffusers' layout");
  }

  private <T> T read(
      String key, T absent, String supported, Function<JsonNode, Optional<T>> parse) {
    seen.add(key);
    if (!config.has(key)) {
      return absent;
    }
    return parse.apply(config.get(key)).orElseThrow(() -> refusal(key, supported));
  }

  private static boolean isAmong(JsonNode value, Set<String> allowed) {
    if (allowed.contains(value.toString())) {
      return true;
    }
    if (value.isNumber()) {
      return allowed.contains(Double.toString(value.doubleValue()));
    }
    if (value.isArray() && !value.isEmpty()) {
      for (JsonNode element : value) {
        if (!isAmong(element, allowed)) {
          return false;
        }
      }
      return true;
    }
    return false;
  }

  private static Optional<Integer> asCount(JsonNode node) {
    return node.canConvertToInt() && node.isIntegralNumber() && node.intValue() >= 1
        ? Optional.of(node.intValue())
        : Optional.empty();
  }

  private static Optional<String> asText(JsonNode node) {
    return node.isTextual() ? Optional.of(node.textValue()) : Optional.empty();
  }

  private static Optional<Activation> asActivation(String name) {
    try {
      return Optional.of(Activation.fromConfig(name));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static <T> Optional<List<T>> asList(
      JsonNode node, Function<JsonNode, Optional<T>> element) {
    List<T> list = new ArrayList<>();
    for (JsonNode item : node) {
      Optional<T> value = element.apply(item);
      if (value.isEmpty()) {
        return Optional.empty();
      }
      list.add(value.get());
    }
    return node.isArray() && !list.isEmpty() ? Optional.of(List.copyOf(list)) : Optional.empty();
  }
}
