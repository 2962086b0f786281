package io.shardlight.data;

/** How the images of one prompt get their noise. */
public enum SeedPolicy implements NamedOption {
  /** Image <i>i</i> has seed {@code seed + i} modulo 2³² and the key {@code PRNGKey} of it. */
  PER_IMAGE("perImage"),
  /**
   * Image <i>i</i> has the key {@code jax.random.split(PRNGKey(seed), images)[i]}, as the original
   * eight-device program does.
   */
  JAX_SPLIT("jaxSplit");

  private final String optionName;

  SeedPolicy(String optionName) {
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
  public static SeedPolicy fromOption(String value) {
    return NamedOption.parse("seedPolicy", values(), value);
  }
}
