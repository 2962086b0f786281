package io.shardlight.data;

/** What a run does with a dataset that is there already. */
public enum DatasetMode implements NamedOption {
  /** Makes what is missing of the same dataset; any other is refused. */
  INCREMENTAL("incremental"),

  /** Adds what the dataset does not hold, in new shards. */
  EXTEND("extend"),

  /** Tries again what has failed, in the shards where it failed. */
  RETRY_FAILED("retry-failed"),

  /** Erases the dataset and makes it anew. */
  OVERWRITE("overwrite");

  private final String optionName;

  DatasetMode(String optionName) {
    this.optionName = optionName;
  }

  @Override
  public String optionName() {
    return optionName;
  }

  /**
   * @param value an option name, case ignored
   * @throws IllegalArgumentException naming what would be right
   */
  public static DatasetMode fromOption(String value) {
    return NamedOption.parse("mode", values(), value);
  }
}
