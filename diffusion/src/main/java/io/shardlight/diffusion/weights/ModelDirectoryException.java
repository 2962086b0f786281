package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A folder is not a diffusers model that can be used; lists every problem at once. */
public final class ModelDirectoryException extends IOException {
  private static final long serialVersionUID = 1L;

  // An array, so that the exception stays serializable.
  private final String[] problems;

  /**
   * @param problems a sentence each
   */
  public ModelDirectoryException(Path folder, List<String> problems) {
    super(folder + ": not a usable diffusers model:\n  " + String.join("\n  ", problems));
    this.problems = problems.toArray(String[]::new);
  }

  /** A sentence for each problem. */
  public List<String> problems() {
    return List.of(problems);
  }
}
