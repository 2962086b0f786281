package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A file is no LoRA that can be merged here: of another kind, or for another model. The message
 * shows the first {@value #SHOWN} problems.
 */
public final class LoraException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int SHOWN = 5;

  /**
   * @param problem what is wrong with all that {@code entries} name
   * @param entries names of layers, perhaps with more about each
   * @param remedy what to do
   */
  LoraException(Path file, String problem, List<String> entries, String remedy) {
    super(file + ": " + problem + list(entries) + "; " + remedy);
  }

  private static String list(List<String> entries) {
    if (entries.isEmpty()) {
      return "";
    }
    String shown = String.join(", ", entries.subList(0, Math.min(SHOWN, entries.size())));
    int more = entries.size() - SHOWN;
    return ": " + shown + (more > 0 ? " and " + more + " more" : "");
  }
}
