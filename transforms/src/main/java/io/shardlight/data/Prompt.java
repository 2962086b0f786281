package io.shardlight.data;

import java.util.Map;
import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * One usable record of a prompt file.
 *
 * @param id the record's {@code id}, or its file's name without directory, a colon and its line
 * @param text what to draw; never blank
 * @param overrides what the record says about its own images
 * @param carried columns that mean nothing to us, by name; text, or JSON text for what is no scalar
 */
@DefaultCoder(PromptCoder.class)
public record Prompt(
    PromptSource source, String id, String text, Overrides overrides, Map<String, String> carried) {
  /** Images one record may ask for. */
  public static final int MAX_IMAGES = 1_000_000;

  public Prompt {
    if (text.isBlank()) {
      throw new IllegalArgumentException("the prompt is empty");
    }
    carried = CarriedColumns.copyOf(carried);
  }

  /** The id of a record that brings none. */
  public static String defaultId(PromptSource source) {
    return source.fileName() + ":" + source.line();
  }

  /**
   * @return {@code images}
   * @throws IllegalArgumentException if out of range
   */
  public static int requireImages(long images) {
    if (images < 1 || images > MAX_IMAGES) {
      throw new IllegalArgumentException("images must be in [1, 1000000], but was " + images);
    }
    return (int) images;
  }
}
