package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A diffusers folder on disk: {@code model_index.json}, a folder for each component with its {@code
 * config.json} and weights, {@code tokenizer/} and {@code scheduler/}. Immutable and thread-safe.
 *
 * <p>Of each component the full-precision safetensors are taken, in one file or in several with an
 * index, else the {@code fp16} variant, else Flax msgpack; all components come from one framework.
 */
public final class ModelDirectory {
  private static final String MODEL_INDEX = "model_index.json";
  private static final String SCHEDULER_CONFIG = "scheduler/scheduler_config.json";
  private static final String GENERATION_CONFIG = "generation_config.json";

  /** What no image can be made without. */
  private static final List<String> REQUIRED = List.of("text_encoder", "unet", "vae");

  private static final List<String> OPTIONAL = List.of("safety_checker");
  private static final List<String> TOKENIZER_FILES = List.of("vocab.json", "merges.txt");

  /** Python's json module writes infinities, which scheduler configs may hold. */
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final Path folder;
  private final Origin origin;
  private final JsonNode modelIndex;
  private final Map<String, JsonNode> configs;
  private final Map<String, Path> weightFiles;

  private ModelDirectory(
      Path folder,
      Origin origin,
      JsonNode modelIndex,
      Map<String, JsonNode> configs,
      Map<String, Path> weightFiles) {
    this.folder = folder;
    this.origin = origin;
    this.modelIndex = modelIndex;
    this.configs = configs;
    this.weightFiles = weightFiles;
  }

  /**
   * Opens a folder: reads its JSON files and finds its weights, which are not opened yet.
   *
   * @throws ModelDirectoryException listing every file that is missing or unreadable
   */
  public static ModelDirectory open(Path folder) throws IOException {
    List<String> problems = new ArrayList<>();
    if (!Files.isDirectory(folder)) {
      problems.add(
          "no such directory; a folder with model_index.json, unet/, vae/, text_encoder/,"
              + " tokenizer/ and scheduler/ wanted");
      throw new ModelDirectoryException(folder, problems);
    }
    Optional<JsonNode> modelIndex = readJson(folder, MODEL_INDEX, problems);
    Optional<String> foreign = modelIndex.flatMap(ModelFamily::problem);
    if (foreign.isPresent()) {
      // What else such a folder lacks is none of its faults.
      throw new ModelDirectoryException(folder, List.of(foreign.get()));
    }
    Origin origin = origin(folder);
    Map<String, JsonNode> configs = new LinkedHashMap<>();
    Map<String, Path> weightFiles = new LinkedHashMap<>();
    for (String component : REQUIRED) {
      readJson(folder, component + "/config.json", problems)
          .ifPresent(config -> configs.put(component, config));
      Path home = folder.resolve(component);
      Optional<Path> weights = WeightFiles.find(home, origin);
      if (weights.isPresent()) {
        weightFiles.put(component, weights.get());
      } else {
        problems.add(WeightFiles.advice(home, origin));
      }
    }
    for (String component : OPTIONAL) {
      Optional<Path> weights = WeightFiles.find(folder.resolve(component), origin);
      // What is wrong with it is told to whoever needs it.
      Optional<JsonNode> config = readJson(folder, component + "/config.json", new ArrayList<>());
      if (weights.isPresent() && config.isPresent()) {
        configs.put(component, config.get());
        weightFiles.put(component, weights.get());
      }
    }
    readJson(folder, SCHEDULER_CONFIG, problems)
        .ifPresent(config -> configs.put("scheduler", config));
    if (Files.exists(folder.resolve(GENERATION_CONFIG))) {
      readJson(folder, GENERATION_CONFIG, problems)
          .ifPresent(config -> configs.put("generation", config));
    }
    for (String file : TOKENIZER_FILES) {
      if (!Files.isRegularFile(folder.resolve("tokenizer").resolve(file))) {
        problems.add(missing("tokenizer/" + file));
      }
    }
    if (!problems.isEmpty() || modelIndex.isEmpty()) {
      throw new ModelDirectoryException(folder, problems);
    }
    return new ModelDirectory(folder, origin, modelIndex.get(), configs, weightFiles);
  }

  /** The framework all required components have weights of; PyTorch if both or none. */
  private static Origin origin(Path folder) {
    for (Origin origin : Origin.values()) {
      if (REQUIRED.stream()
          .allMatch(component -> WeightFiles.find(folder.resolve(component), origin).isPresent())) {
        return origin;
      }
    }
    boolean anyTorch =
        REQUIRED.stream()
            .anyMatch(c -> WeightFiles.find(folder.resolve(c), Origin.TORCH).isPresent());
    boolean anyFlax =
        REQUIRED.stream()
            .anyMatch(c -> WeightFiles.find(folder.resolve(c), Origin.FLAX).isPresent());
    return anyFlax && !anyTorch ? Origin.FLAX : Origin.TORCH;
  }

  static Optional<JsonNode> readJson(Path folder, String name, List<String> problems)
      throws IOException {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      problems.add(missing(name));
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(Files.readAllBytes(file));
      if (json.isObject()) {
        return Optional.of(json);
      }
      problems.add(name + " must be a JSON object; download it again");
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : ", line "
                  + e.getLocation().getLineNr()
                  + " column "
                  + e.getLocation().getColumnNr();
      problems.add(
          name + where + ": not proper JSON: " + e.getOriginalMessage() + "; download it again");
    }
    return Optional.empty();
  }

  private static String missing(String name) {
    return name + " is missing; download the model again, with this file";
  }

  public Path path() {
    return folder;
  }

  /** The framework whose weights are taken. */
  public Origin origin() {
    return origin;
  }

  /** Content of {@code model_index.json}; not to be changed. */
  public JsonNode modelIndex() {
    return modelIndex;
  }

  /**
   * Whether a component is there with all its files.
   *
   * @param component {@code text_encoder}, {@code unet}, {@code vae}, {@code scheduler}: always;
   *     {@code safety_checker}, {@code generation} (for {@code generation_config.json}): perhaps
   */
  public boolean has(String component) {
    return configs.containsKey(component);
  }

  /**
   * Content of a component's configuration file; not to be changed.
   *
   * @throws IllegalArgumentException if the model lacks the component
   */
  public JsonNode config(String component) {
    return find(configs, component);
  }

  /** The folder with {@code vocab.json} and {@code merges.txt}. */
  public Path tokenizer() {
    return folder.resolve("tokenizer");
  }

  /**
   * Opens the weights of a component, reading names, shapes and places of its tensors.
   *
   * @throws MalformedWeightsException if the file is damaged
   * @throws IllegalArgumentException if the model lacks the component, or it has no weights
   */
  public Weights weights(String component) throws IOException {
    return Weights.open(find(weightFiles, component));
  }

  private <T> T find(Map<String, T> components, String component) {
    @Nullable T found = components.get(component);
    if (found == null) {
      throw new IllegalArgumentException(
          folder + " has no component \"" + component + "\", but " + components.keySet());
    }
    return found;
  }

  /** As {@link #sha256(Path)}, reading every byte each time. */
  public String sha256() throws IOException {
    return sha256(FileDigests.withoutCache());
  }

  /**
   * Identity of everything that shapes pixels: the configurations and weights of text encoder, UNet
   * and VAE, tokenizer, scheduler and {@code model_index.json}. Safety checker and feature
   * extractor are left out. Files are hashed in parallel, and again only if size or modification
   * time changed.
   *
   * @param cacheDirectory where hashes of files are kept; made when needed
   * @return 64 hexadecimal digits: SHA-256 over, for each file in the order of its path relative to
   *     the folder, that path in UTF-8 with {@code /}, a zero byte, and the 32 bytes of the file's
   *     own SHA-256
   */
  public String sha256(Path cacheDirectory) throws IOException {
    return sha256(FileDigests.cachedIn(cacheDirectory));
  }

  private String sha256(FileDigests digests) throws IOException {
    return sha256(pixelFiles(), digests);
  }

  /** Of files in the folder, as {@link #sha256(Path)} says. */
  String sha256(List<Path> paths, FileDigests digests) throws IOException {
    return sha256(folder, paths, digests);
  }

  /** Of a single file. */
  static String sha256(Path cacheDirectory, Path file) throws IOException {
    return Objects.requireNonNull(
        FileDigests.cachedIn(cacheDirectory).sha256(List.of(file)).get(file));
  }

  /** As {@link #sha256(Path)} tells, over some files of a folder. */
  static String sha256(Path folder, List<Path> paths, FileDigests digests) throws IOException {
    Map<String, Path> files = new TreeMap<>();
    for (Path file : paths) {
      files.put(folder.relativize(file).toString().replace('\\', '/'), file);
    }
    Map<Path, String> hashes = digests.sha256(files.values());
    MessageDigest all = FileDigests.newSha256();
    for (Map.Entry<String, Path> file : files.entrySet()) {
      all.update((file.getKey() + "\0").getBytes(StandardCharsets.UTF_8));
      all.update(HexFormat.of().parseHex(hashes.get(file.getValue())));
    }
    return HexFormat.of().formatHex(all.digest());
  }

  private List<Path> pixelFiles() throws IOException {
    List<Path> files = new ArrayList<>();
    files.add(folder.resolve(MODEL_INDEX));
    files.add(folder.resolve(SCHEDULER_CONFIG));
    for (String component : REQUIRED) {
      files.addAll(files(component));
    }
    try (Stream<Path> entries = Files.list(tokenizer())) {
      entries
          .filter(Files::isRegularFile)
          .filter(file -> file.toString().endsWith(".json") || file.toString().endsWith(".txt"))
          .forEach(files::add);
    }
    return files;
  }

  /** Configuration and weights of a component. */
  List<Path> files(String component) throws IOException {
    List<Path> files = new ArrayList<>();
    files.add(folder.resolve(component).resolve("config.json"));
    files.addAll(WeightFiles.all(find(weightFiles, component)));
    return files;
  }

  @Override
  public String toString() {
    return folder + " (" + origin + ")";
  }
}
