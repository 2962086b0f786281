package io.shardlight.pipeline;

import java.util.Optional;

/** The options that a launch may give, as the command line checks them. */
public final class LaunchedOptions {
  private static final OptionCatalog OPTIONS = OptionCatalog.of(GenerateOptions.class);

  private LaunchedOptions() {}

  /** What is wrong with a parameter; empty if nothing is. */
  public static Optional<String> problem(String name, String value) {
    Optional<OptionSpec> spec = OPTIONS.find(name);
    if (spec.isEmpty()) {
      return Optional.of("generate has no option " + name);
    }
    return spec.get().problem(value).map(problem -> name + "=" + value + ": " + problem);
  }
}
