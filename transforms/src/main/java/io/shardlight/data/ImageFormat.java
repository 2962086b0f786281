package io.shardlight.data;

/** How an image is encoded. */
public enum ImageFormat implements NamedOption {
  PNG("png");

  private final String optionName;

  ImageFormat(String optionName) {
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
  public static ImageFormat fromOption(String value) {
    return NamedOption.parse("imageFormat", values(), value);
  }
}
