package io.shardlight.data;

/**
 * How images lie in the dataset: {@code webdataset} is one tar file a shard, with text and metadata
 * beside each image, {@code files} one object an image.
 */
public enum Layout implements NamedOption {
  WEBDATASET("webdataset"),
  FILES("files");

  private final String optionName;

  Layout(String optionName) {
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
  public static Layout fromOption(String value) {
    return NamedOption.parse("layout", values(), value);
  }
}
