package io.shardlight.data;

import java.io.Serializable;

/**
 * Which safety checker looks at the images, and what becomes of those in which it finds something.
 *
 * @param checkerSha256 hex hash over the checker's files; empty if none looks
 */
public record SafetySettings(SafetyPolicy policy, String checkerSha256) implements Serializable {
  /** No checker looks. */
  public static final SafetySettings OFF = new SafetySettings(SafetyPolicy.OFF, "");

  public SafetySettings {
    if ((policy == SafetyPolicy.OFF) != checkerSha256.isEmpty()) {
      throw new IllegalArgumentException(
          "a safety checker must have a hash, and none must have none, but safety is "
              + policy.optionName()
              + " and the hash \""
              + checkerSha256
              + '"');
    }
  }

  /** Whether a checker looks at every image. */
  public boolean isOn() {
    return policy != SafetyPolicy.OFF;
  }
}
