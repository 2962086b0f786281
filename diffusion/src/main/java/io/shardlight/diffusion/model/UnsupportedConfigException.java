package io.shardlight.diffusion.model;

/**
 * A {@code config.json} asks for something that this program does not compute, so the images would
 * be wrong.
 */
public final class UnsupportedConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  public UnsupportedConfigException(String message) {
    super(message);
  }
}
