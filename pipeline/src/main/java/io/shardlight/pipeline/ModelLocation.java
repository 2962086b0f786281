package io.shardlight.pipeline;

import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Finds what {@code --model} names. */
final class ModelLocation {
  private static final String INDEX = "model_index.json";

  private ModelLocation() {}

  /**
   * Opens the model, copying the demo out first if it is that.
   *
   * @param problems gets a line if the value names nothing usable; then the result is empty
   */
  static Optional<ModelDirectory> open(String value, Console console, List<String> problems) {
    String option = "--model=" + value + ": ";
    if (value.startsWith("gs://") || value.startsWith("hf://")) {
      problems.add(
          option + "fetching models is not available in this version; give a local directory");
      return Optional.empty();
    }
    try {
      if (value.equals(DemoModel.NAME)) {
        return Optional.of(
            ModelDirectory.open(DemoModel.extract(CacheDirectory.of(console.environment()))));
      }
      Path folder = Path.of(value);
      if (!Files.isDirectory(folder)) {
        problems.add(
            option
                + (Files.exists(folder) ? "not a directory" : "no such directory")
                + "; give demo or a directory that holds "
                + INDEX);
        return Optional.empty();
      }
      if (!Files.exists(folder.resolve(INDEX)) && !Files.exists(folder.resolve("unet"))) {
        // Any folder lacks a model's ten files; that is not worth ten lines.
        problems.add(
            option + "not a model, as it has no " + INDEX + "; give demo or a directory with one");
        return Optional.empty();
      }
      return Optional.of(ModelDirectory.open(folder));
    } catch (ModelDirectoryException e) {
      e.problems().forEach(problem -> problems.add(option + problem));
      return Optional.empty();
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged model throws is one problem among the others.
      problems.add(option + Causes.line(e));
      return Optional.empty();
    }
  }
}
