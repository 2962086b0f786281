package io.shardlight.diffusion.scheduler;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Typed access to a JSON object whose keys may be absent or null, with errors that name the key.
 */
final class ConfigFields {
  private final JsonNode config;

  ConfigFields(JsonNode config) {
    this.config = config;
  }

  String text(String key, String fallback) {
    return value(key, JsonNode::isTextual, "a string").map(JsonNode::textValue).orElse(fallback);
  }

  int integer(String key, int fallback) {
    return value(key, JsonNode::canConvertToExactIntegral, "an integer")
        .filter(node -> fits(key, node))
        .map(JsonNode::intValue)
        .orElse(fallback);
  }

  private static boolean fits(String key, JsonNode node) {
    if (!node.canConvertToInt()) {
      throw new IllegalArgumentException(key + " must be an integer of 32 bits, but was " + node);
    }
    return true;
  }

  double number(String key, double fallback) {
    return value(key, JsonNode::isNumber, "a number").map(JsonNode::doubleValue).orElse(fallback);
  }

  boolean flag(String key, boolean fallback) {
    return value(key, JsonNode::isBoolean, "true or false")
        .map(JsonNode::booleanValue)
        .orElse(fallback);
  }

  List<Float> floats(String key) {
    List<Float> out = new ArrayList<>();
    value(key, JsonNode::isArray, "a list of numbers")
        .ifPresent(
            array -> {
              for (JsonNode element : array) {
                if (!element.isNumber()) {
                  throw new IllegalArgumentException(
                      key + " must be a list of numbers, but has " + element);
                }
                out.add(element.floatValue());
              }
            });
    return out;
  }

  <T> Optional<T> choice(String key, T[] values, Function<T, String> name) {
    return value(key, JsonNode::isTextual, "a string")
        .map(
            node ->
                Arrays.stream(values)
                    .filter(value -> name.apply(value).equals(node.textValue()))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            new IllegalArgumentException(
                                key
                                    + " must be one of "
                                    + Arrays.stream(values).map(name).toList()
                                    + ", but was "
                                    + node)));
  }

  /** Refuses what would change the numbers if it were ignored. */
  void refuseTrue(String key) {
    if (flag(key, false)) {
      throw new IllegalArgumentException(
          key + " is true, which is not built; use a checkpoint of Stable Diffusion 1.x or 2.x");
    }
  }

  private Optional<JsonNode> value(String key, Predicate<JsonNode> accepts, String wanted) {
    JsonNode node = config.get(key);
    if (node == null || node.isNull()) {
      return Optional.empty();
    }
    if (!accepts.test(node)) {
      throw new IllegalArgumentException(key + " must be " + wanted + ", but was " + node);
    }
    return Optional.of(node);
  }
}
