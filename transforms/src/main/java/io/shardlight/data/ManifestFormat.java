package io.shardlight.data;

/** In what format a shard's manifest is written. */
public enum ManifestFormat implements NamedOption {
  AVRO("avro");

  private final String optionName;

  ManifestFormat(String optionName) {
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
  public static ManifestFormat fromOption(String value) {
    return NamedOption.parse("manifestFormat", values(), value);
  }
}
