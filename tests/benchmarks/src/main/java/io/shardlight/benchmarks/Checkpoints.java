package io.shardlight.benchmarks;

import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;

/** The checkpoints that benchmarks know by a word. */
final class Checkpoints {
  /** Names the folder that {@link MakeCheckpoint} wrote. */
  static final String FULL_SIZE = "shardlight.checkpoint";

  private Checkpoints() {}

  /**
   * @param name {@code tiny}, or {@code full} for the folder that the system property names
   */
  static ModelDirectory open(String name) throws IOException {
    return switch (name) {
      case "tiny" -> ModelDirectory.open(TinyModels.torch());
      case "full" -> {
        String folder = System.getProperty(FULL_SIZE);
        if (folder == null) {
          throw new IllegalArgumentException(
              "model=full needs -D"
                  + FULL_SIZE
                  + "=FOLDER, a checkpoint that MakeCheckpoint wrote");
        }
        yield ModelDirectory.open(Path.of(folder));
      }
      default -> throw new IllegalArgumentException("model must be tiny or full, but was " + name);
    };
  }

  /** Where converted weights stay from one benchmark to the next. */
  static Path cache() {
    return Path.of(System.getProperty("java.io.tmpdir"), "shardlight-benchmarks");
  }
}
