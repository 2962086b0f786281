package io.shardlight.data;

import java.util.Arrays;
import java.util.stream.Collectors;

/** A choice that users write by name in options and files. */
public interface NamedOption {
  /** The name as written in options, manifests and {@code dataset.json}. */
  String optionName();

  /**
   * Finds a choice by its name, case ignored.
   *
   * @throws IllegalArgumentException with the option, the names there are and the one that was
   *     given
   */
  static <T extends NamedOption> T parse(String option, T[] choices, String value) {
    return Arrays.stream(choices)
        .filter(choice -> choice.optionName().equalsIgnoreCase(value))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    option
                        + " must be one of "
                        + Arrays.stream(choices)
                            .map(NamedOption::optionName)
                            .collect(Collectors.joining(", "))
                        + ", but was \""
                        + value
                        + "\""));
  }
}
