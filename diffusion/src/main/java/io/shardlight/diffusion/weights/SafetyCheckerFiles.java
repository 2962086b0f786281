package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The safety checker of a diffusers folder: {@code safety_checker/} with configuration and weights,
 * and {@code feature_extractor/preprocessor_config.json}. They are found and read apart from the
 * model's other files, as images can be drawn without them. Immutable and thread-safe.
 */
public final class SafetyCheckerFiles {
  private static final String COMPONENT = "safety_checker";
  private static final String CONFIG = COMPONENT + "/config.json";
  private static final String PREPROCESSOR = "feature_extractor/preprocessor_config.json";

  /** What {@code model_index.json} may call it. */
  private static final Set<String> CLASSES =
      Set.of("StableDiffusionSafetyChecker", "FlaxStableDiffusionSafetyChecker");

  private final ModelDirectory directory;
  private final JsonNode preprocessor;

  private SafetyCheckerFiles(ModelDirectory directory, JsonNode preprocessor) {
    this.directory = directory;
    this.preprocessor = preprocessor;
  }

  /**
   * Whether a model comes with a checker, its files there or not: {@code model_index.json} names
   * one or, where it says nothing of it, there is a folder of it. Whoever saved a model without its
   * checker wrote {@code [null, null]}.
   */
  public static boolean areOf(ModelDirectory directory) {
    JsonNode entry = directory.modelIndex().path(COMPONENT);
    return entry.isMissingNode()
        ? Files.isDirectory(directory.path().resolve(COMPONENT))
        : !className(entry).isEmpty();
  }

  private static String className(JsonNode entry) {
    return entry.isTextual() ? entry.textValue() : entry.path(1).asText("");
  }

  /**
   * Finds the files and reads the JSON ones.
   *
   * @throws ModelDirectoryException listing every file that is missing or unreadable, or naming a
   *     checker that isn't Stable Diffusion's
   */
  public static SafetyCheckerFiles open(ModelDirectory directory) throws IOException {
    List<String> problems = new ArrayList<>();
    Path folder = directory.path();
    String className = className(directory.modelIndex().path(COMPONENT));
    if (!className.isEmpty() && !CLASSES.contains(className)) {
      problems.add(
          "model_index.json: \"safety_checker\" is \""
              + className
              + "\", but only StableDiffusionSafetyChecker is supported");
      throw new ModelDirectoryException(folder, problems);
    }
    ModelDirectory.readJson(folder, CONFIG, problems);
    Path home = folder.resolve(COMPONENT);
    if (WeightFiles.find(home, directory.origin()).isEmpty()) {
      problems.add(WeightFiles.advice(home, directory.origin()));
    }
    Optional<JsonNode> preprocessor = ModelDirectory.readJson(folder, PREPROCESSOR, problems);
    if (!problems.isEmpty() || preprocessor.isEmpty()) {
      throw new ModelDirectoryException(folder, problems);
    }
    return new SafetyCheckerFiles(directory, preprocessor.get());
  }

  /** Content of {@code safety_checker/config.json}; not to be changed. */
  public JsonNode config() {
    return directory.config(COMPONENT);
  }

  /** Content of {@code feature_extractor/preprocessor_config.json}; not to be changed. */
  public JsonNode preprocessor() {
    return preprocessor;
  }

  /**
   * Opens the weights, reading names, shapes and places of its tensors.
   *
   * @throws MalformedWeightsException if the file is damaged
   */
  public Weights weights() throws IOException {
    return directory.weights(COMPONENT);
  }

  /**
   * Identity of all that decides what the checker finds: configurations and weights, hashed as
   * {@link ModelDirectory#sha256(Path)} hashes the others.
   *
   * @param cacheDirectory where hashes of files are kept; made when needed
   */
  public String sha256(Path cacheDirectory) throws IOException {
    List<Path> files = new ArrayList<>(directory.files(COMPONENT));
    files.add(directory.path().resolve(PREPROCESSOR));
    return directory.sha256(files, FileDigests.cachedIn(cacheDirectory));
  }
}
