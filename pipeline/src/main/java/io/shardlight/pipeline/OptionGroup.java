package io.shardlight.pipeline;

/** Headings of the help text, in their order. */
public enum OptionGroup {
  FILES("Input and output"),
  IMAGES("Images"),
  SEEDS("Seeds"),
  MODEL("Model and devices"),
  DATASET("Dataset"),
  ESTIMATE("Estimate"),
  RUNNER("Apache Beam (its other options are accepted too)"),
  TERMINAL("Terminal");

  private final String title;

  OptionGroup(String title) {
    this.title = title;
  }

  /** As help and forms show it. */
  public String title() {
    return title;
  }
}
