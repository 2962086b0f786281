package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A component by itself, to replace a model's: a folder with {@code config.json} and weights, as
 * diffusers' {@code save_pretrained} writes it. Immutable and thread-safe.
 */
public final class ComponentDirectory {
  private static final String CONFIG = "config.json";

  private final Path folder;
  private final JsonNode config;
  private final Path weightFile;

  private ComponentDirectory(Path folder, JsonNode config, Path weightFile) {
    this.folder = folder;
    this.config = config;
    this.weightFile = weightFile;
  }

  /**
   * Opens a folder; safetensors before Flax msgpack.
   *
   * @throws ModelDirectoryException listing every file that is missing or unreadable
   */
  public static ComponentDirectory open(Path folder) throws IOException {
    List<String> problems = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      problems.add("no such directory; a folder with config.json and weights wanted");
      throw new ModelDirectoryException(folder, problems);
    }
    Optional<JsonNode> config = ModelDirectory.readJson(folder, CONFIG, problems);
    Optional<Path> weights =
        WeightFiles.find(folder, Origin.TORCH).or(() -> WeightFiles.find(folder, Origin.FLAX));
    if (weights.isEmpty()) {
      problems.add(WeightFiles.advice(folder.toAbsolutePath(), Origin.TORCH));
    }
    if (config.isEmpty() || weights.isEmpty()) {
      throw new ModelDirectoryException(folder, problems);
    }
    return new ComponentDirectory(folder, config.get(), weights.get());
  }

  public Path path() {
    return folder;
  }

  /** Content of {@code config.json}; not to be changed. */
  public JsonNode config() {
    return config;
  }

  /**
   * Opens the weights, reading names, shapes and places of its tensors.
   *
   * @throws MalformedWeightsException if a file is damaged
   */
  public Weights weights() throws IOException {
    return Weights.open(weightFile);
  }

  /**
   * Identity of configuration and weights; files are hashed again only if size or modification time
   * changed.
   *
   * @param cacheDirectory where hashes of files are kept; made when needed
   * @return 64 hexadecimal digits, as {@link ModelDirectory#sha256(Path)} makes them of a folder
   */
  public String sha256(Path cacheDirectory) throws IOException {
    List<Path> files = new ArrayList<>(List.of(folder.resolve(CONFIG)));
    files.addAll(WeightFiles.all(weightFile));
    return ModelDirectory.sha256(folder, files, FileDigests.cachedIn(cacheDirectory));
  }

  @Override
  public String toString() {
    return folder.toString();
  }
}
