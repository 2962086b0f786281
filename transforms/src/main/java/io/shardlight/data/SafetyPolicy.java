package io.shardlight.data;

/** What becomes of an image in which the model's safety checker finds something. */
public enum SafetyPolicy implements NamedOption {
  /** No checker looks. */
  OFF("off"),
  /** It stays, and its row says so. */
  MARK("mark"),
  /** Its place takes a black one of the same size, as in diffusers' pipeline. */
  BLANK("blank"),
  /** It is not kept: the row has status {@link ExampleStatus#BLOCKED} and no file. */
  DROP("drop");

  private final String optionName;

  SafetyPolicy(String optionName) {
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
  public static SafetyPolicy fromOption(String value) {
    return NamedOption.parse("safety", values(), value);
  }
}
