package io.shardlight.data;

/**
 * In what format a shard's manifest is written. All have the same rows; where a shard has several,
 * the first in this order is read.
 */
public enum ManifestFormat implements NamedOption {
  AVRO("avro"),
  /** Columns; see {@link io.shardlight.parquet.AvroParquet}. */
  PARQUET("parquet"),
  /** A line of canonical JSON a row; see {@link ManifestJson}. */
  JSONL("jsonl");

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
