package io.shardlight.data;

import org.apache.avro.generic.GenericRecord;

/** What became of an example. */
public enum ExampleStatus implements NamedOption {
  OK("ok"),
  /** Its prompt makes the generator fail, even alone. */
  FAILED("failed"),
  /** A safety checker held its image back. */
  BLOCKED("blocked");

  private final String optionName;

  ExampleStatus(String optionName) {
    this.optionName = optionName;
  }

  @Override
  public String optionName() {
    return optionName;
  }

  /**
   * Whether a row says so.
   *
   * @param row in {@link AvroManifest}'s schema
   */
  public boolean isOf(GenericRecord row) {
    return row.get("status").toString().equals(optionName);
  }
}
