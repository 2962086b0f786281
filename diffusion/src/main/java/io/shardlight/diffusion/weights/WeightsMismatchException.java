package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A weight file is sound, but holds other tensors than the networks need. Lists everything that
 * differs at once; the message shows the first {@value #SHOWN} of each kind.
 */
public final class WeightsMismatchException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 20;

  // Arrays, so that the exception stays serializable.
  private final String[] missing;
  private final String[] misshapen;
  private final String[] unused;

  WeightsMismatchException(
      Path file, String graphs, List<String> missing, List<String> misshapen, List<String> unused) {
    super(message(file, graphs, missing, misshapen, unused));
    this.missing = missing.toArray(String[]::new);
    this.misshapen = misshapen.toArray(String[]::new);
    this.unused = unused.toArray(String[]::new);
  }

  /** Names the networks need and the file lacks. */
  public List<String> missing() {
    return List.of(missing);
  }

  /** A sentence for each tensor whose shape or type is not the one needed. */
  public List<String> misshapen() {
    return List.of(misshapen);
  }

  /** Names in the file that no network reads. */
  public List<String> unused() {
    return List.of(unused);
  }

  private static String message(
      Path file, String graphs, List<String> missing, List<String> misshapen, List<String> unused) {
    StringBuilder text = new StringBuilder();
    text.append(file + ": its tensors are not those of " + graphs + ", which config.json asks for");
    text.append(
        String.format(
            ": %d missing, %d misshapen, %d unused",
            missing.size(), misshapen.size(), unused.size()));
    list(text, "missing from the file", missing);
    list(text, "misshapen", misshapen);
    list(text, "unused", unused);
    text.append(
        "\n  Take the config.json that was saved with this file;"
            + " is this a Stable Diffusion 1.x or 2.x checkpoint in diffusers' layout?");
    return text.toString();
  }

  private static void list(StringBuilder text, String title, List<String> entries) {
    if (entries.isEmpty()) {
      return;
    }
    text.append("\n  " + title + ":");
    entries.stream().limit(SHOWN).forEach(entry -> text.append("\n    " + entry));
    if (entries.size() > SHOWN) {
      text.append("\n    ... and " + (entries.size() - SHOWN) + " more");
    }
  }
}
