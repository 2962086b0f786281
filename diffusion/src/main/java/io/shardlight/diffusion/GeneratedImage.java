package io.shardlight.diffusion;

import io.shardlight.diffusion.safety.SafetyScore;
import java.util.Optional;

/** One finished picture. Immutable by convention: the bytes are not copied. */
public final class GeneratedImage {
  private final int widthPixels;
  private final int heightPixels;
  private final byte[] rgb;
  private final boolean promptTruncated;
  private final Optional<SafetyScore> safetyScore;

  /**
   * @param rgb red, green, blue, one byte each, row by row from the top; not copied
   * @throws IllegalArgumentException if the bytes are not {@code 3 * width * height}
   */
  public GeneratedImage(int widthPixels, int heightPixels, byte[] rgb, boolean promptTruncated) {
    this(widthPixels, heightPixels, rgb, promptTruncated, Optional.empty());
  }

  private GeneratedImage(
      int widthPixels,
      int heightPixels,
      byte[] rgb,
      boolean promptTruncated,
      Optional<SafetyScore> safetyScore) {
    if (rgb.length != 3L * widthPixels * heightPixels) {
      throw new IllegalArgumentException(
          "an image of "
              + widthPixels
              + "x"
              + heightPixels
              + " needs "
              + 3L * widthPixels * heightPixels
              + " bytes, but got "
              + rgb.length);
    }
    this.widthPixels = widthPixels;
    this.heightPixels = heightPixels;
    this.rgb = rgb;
    this.promptTruncated = promptTruncated;
    this.safetyScore = safetyScore;
  }

  /** The same picture, looked at by a safety checker. */
  public GeneratedImage withSafetyScore(SafetyScore score) {
    return new GeneratedImage(widthPixels, heightPixels, rgb, promptTruncated, Optional.of(score));
  }

  public int widthPixels() {
    return widthPixels;
  }

  public int heightPixels() {
    return heightPixels;
  }

  /** Red, green, blue, one byte each, row by row from the top; the array itself. */
  public byte[] rgb() {
    return rgb;
  }

  /** Whether the prompt was longer than the text encoder takes. */
  public boolean promptTruncated() {
    return promptTruncated;
  }

  /** What the safety checker makes of it; empty if none looked. */
  public Optional<SafetyScore> safetyScore() {
    return safetyScore;
  }
}
