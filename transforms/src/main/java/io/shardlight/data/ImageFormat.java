package io.shardlight.data;

/** How an image is encoded. */
public enum ImageFormat implements NamedOption {
  PNG("png", "png"),
  JPEG("jpeg", "jpg"),
  WEBP("webp", "webp");

  private final String optionName;
  private final String extension;

  ImageFormat(String optionName, String extension) {
    this.optionName = optionName;
    this.extension = extension;
  }

  /** What files' names end in, without a dot. */
  public String extension() {
    return extension;
  }

  /** Whether pixels are changed to make files smaller, so that there is a quality to choose. */
  public boolean isLossy() {
    return this != PNG;
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
