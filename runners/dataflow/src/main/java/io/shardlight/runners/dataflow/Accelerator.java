package io.shardlight.runners.dataflow;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Accelerators of a worker in Dataflow's words, {@code type:nvidia-l4;count:1;KEY:VALUE;KEY}, which
 * are the same in a resource hint, in the service option {@code worker_accelerator} and in {@code
 * --accelerator}, where {@code type:} may be left out.
 *
 * @param words by their keys, {@code type} first; a key alone has the value ""
 */
record Accelerator(Map<String, String> words) {
  static final String TYPE = "type";
  static final String COUNT = "count";
  static final String TOPOLOGY = "topology";
  static final String MACHINE = "machine_type";

  /** Without it a GPU is there and cannot be used. A version may follow. */
  static final String DRIVER = "install-nvidia-driver";

  Accelerator {
    // In the order of Dataflow's own examples, whatever was given first.
    Map<String, String> sorted = new LinkedHashMap<>();
    for (String key : List.of(TYPE, COUNT, TOPOLOGY, MACHINE)) {
      if (words.containsKey(key)) {
        sorted.put(key, words.getOrDefault(key, ""));
      }
    }
    words.forEach(sorted::putIfAbsent);
    words = Collections.unmodifiableMap(sorted);
  }

  /**
   * Reads words, of which the first may be a bare type.
   *
   * @throws IllegalArgumentException if they are none, saying why without naming the option
   */
  static Accelerator parse(String text) {
    Map<String, String> words = new LinkedHashMap<>();
    for (String word : text.split(";", -1)) {
      int colon = word.indexOf(':');
      String key = colon < 0 ? word : word.substring(0, colon);
      String value = colon < 0 ? "" : word.substring(colon + 1);
      if (words.isEmpty() && colon < 0) {
        value = key;
        key = TYPE;
      }
      boolean wrongStart = words.isEmpty() && (!key.equals(TYPE) || value.isEmpty());
      if (key.isEmpty() || wrongStart) {
        throw new IllegalArgumentException(
            "must begin with a type and have words between its semicolons; write TYPE;KEY:VALUE,"
                + " for example nvidia-l4;count:2");
      }
      if (words.put(key, value) != null) {
        throw new IllegalArgumentException("has \"" + key + "\" twice; keep one");
      }
    }
    String count = words.getOrDefault(COUNT, "1");
    if (!count.matches("[1-9][0-9]?")) {
      throw new IllegalArgumentException(
          "count must be a number from 1 to 99, but is \"" + count + "\"");
    }
    return new Accelerator(words);
  }

  String type() {
    return words.getOrDefault(TYPE, "");
  }

  boolean isTpu() {
    return type().startsWith("tpu");
  }

  /** The kind of its devices, as {@code --deviceKind} has it. */
  String kind() {
    return isTpu() ? "tpu" : "gpu";
  }

  Optional<String> word(String key) {
    return Optional.ofNullable(words.get(key));
  }

  /** Devices of a worker: GPUs, or the chips of a TPU's topology; 1 where it is not known yet. */
  int count() {
    int product = 1;
    if (isTpu()) {
      for (String side : word(TOPOLOGY).orElse("1").split("x", -1)) {
        product *= side.matches("[1-9][0-9]{0,2}") ? Integer.parseInt(side) : 1;
      }
      return product;
    }
    return Integer.parseInt(words.getOrDefault(COUNT, "1"));
  }

  /** With a word at the end, unless it is there. */
  Accelerator withDefault(String key, String value) {
    Map<String, String> more = new LinkedHashMap<>(words);
    more.putIfAbsent(key, value);
    return new Accelerator(more);
  }

  /** As Dataflow reads it. */
  String text() {
    return words.entrySet().stream()
        .map(
            word ->
                word.getValue().isEmpty()
                    ? word.getKey()
                    : String.join(":", word.getKey(), word.getValue()))
        .collect(Collectors.joining(";"));
  }
}
