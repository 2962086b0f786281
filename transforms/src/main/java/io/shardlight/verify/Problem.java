package io.shardlight.verify;

/**
 * Something that is missing or damaged.
 *
 * @param object its name in the dataset
 * @param text what was wanted and what was found, on one line
 */
public record Problem(String object, String text) {
  @Override
  public String toString() {
    return object + ": " + text;
  }
}
