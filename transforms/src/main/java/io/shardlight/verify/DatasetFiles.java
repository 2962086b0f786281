package io.shardlight.verify;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetPart;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.PlanDigest;
import io.shardlight.data.ShardFacts;
import io.shardlight.transforms.DatasetCard;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SortedSet;
import java.util.TreeSet;

/** What a dataset has besides its shards: plan, {@code dataset.json}, card, rejected records. */
final class DatasetFiles {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

  /** Of {@code dataset.json}, what every version of the program writes alike. */
  private static final List<String> LASTING =
      List.of(
          "config_fingerprint",
          "counts",
          "image_bytes",
          "shards",
          "manifests_sha256",
          "archives_sha256",
          "settings",
          DatasetPart.EXTENSIONS);

  private final ObjectStore store;
  private final Problems problems;
  private final SortedSet<String> remove;

  private Optional<GenerationSettings> settings = Optional.empty();
  private OptionalLong examples = OptionalLong.empty();
  private PlanDigest digest = PlanDigest.EMPTY;
  private final List<DatasetPart> parts = new ArrayList<>();
  private boolean planLost;
  private Optional<byte[]> datasetBytes = Optional.empty();
  private Optional<ObjectNode> dataset = Optional.empty();
  private long objects;
  private long bytes;

  /**
   * @param problems gets what is wrong
   * @param remove gets what is in the way of making it again
   */
  DatasetFiles(ObjectStore store, Problems problems, SortedSet<String> remove) {
    this.store = store;
    this.problems = problems;
    this.remove = remove;
  }

  /** The settings, from the plan, or else from {@code dataset.json}. */
  Optional<GenerationSettings> settings() {
    return settings;
  }

  /** Images asked for, duplicates included, as the plan has it. */
  OptionalLong examples() {
    return examples;
  }

  /** Whether the plan must be got from elsewhere. */
  boolean isPlanLost() {
    return planLost;
  }

  /** Shards that {@code dataset.json} counts. */
  OptionalLong shards() {
    return dataset.isPresent() && dataset.get().path("shards").isIntegralNumber()
        ? OptionalLong.of(dataset.get().get("shards").longValue())
        : OptionalLong.empty();
  }

  long objects() {
    return objects;
  }

  long bytes() {
    return bytes;
  }

  private Optional<byte[]> read(String name) throws IOException {
    try (InputStream in = store.read(name)) {
      byte[] content = in.readAllBytes();
      objects++;
      bytes += content.length;
      return Optional.of(content);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private void tell(String name, String problem) {
    problems.add(name, problem);
    remove.add(name);
  }

  /**
   * Reads what comes first: the plan, {@code dataset.json}, and the sign that all is done.
   *
   * @return whether that sign is there
   */
  boolean begin() throws IOException {
    readPlans();
    datasetBytes = read(DatasetPaths.DATASET_JSON);
    if (datasetBytes.isPresent()) {
      try {
        dataset = Optional.of(object(datasetBytes.get()));
      } catch (IllegalArgumentException e) {
        tell(DatasetPaths.DATASET_JSON, "must be a JSON object, but is not: " + e.getMessage());
      }
    }
    if (settings.isEmpty() && dataset.isPresent()) {
      try {
        settings = Optional.of(GenerationSettings.fromJson(dataset.get().path("settings")));
      } catch (IllegalArgumentException e) {
        tell(DatasetPaths.DATASET_JSON, "settings must be those of a run: " + e.getMessage());
      }
    }
    Optional<byte[]> success = read(DatasetPaths.SUCCESS);
    if (success.isPresent() && success.get().length > 0) {
      tell(DatasetPaths.SUCCESS, "must be empty, but has " + success.get().length + " bytes");
    }
    return success.isPresent();
  }

  /** The plans of all parts. */
  private void readPlans() throws IOException {
    Optional<byte[]> content = read(DatasetPaths.PLAN);
    if (content.isEmpty()) {
      losePlan(
          DatasetPaths.PLAN, "must be there, as it says what the dataset is made of, but is not");
      return;
    }
    while (content.isPresent()) {
      readPlan(DatasetPaths.plan(parts.size()), content.get());
      if (planLost) {
        return;
      }
      content = read(DatasetPaths.plan(parts.size()));
    }
    examples = OptionalLong.of(digest.examples());
  }

  private void readPlan(String name, byte[] content) {
    try {
      ObjectNode plan = object(content);
      byte[] canonical = (CanonicalJson.write(plan) + "\n").getBytes(StandardCharsets.UTF_8);
      DatasetPart part = new DatasetPart(parts.size(), plan);
      GenerationSettings ofPart = GenerationSettings.fromJson(part.settings());
      Optional<PlanDigest> planned = part.digest();
      if (planned.isEmpty() || !Arrays.equals(canonical, content)) {
        losePlan(name, "must be canonical JSON with examples and example_ids_sum, but is not");
        return;
      }
      if (settings.isEmpty()) {
        settings = Optional.of(ofPart);
      }
      String fingerprint = settings.get().configFingerprint();
      if (!ofPart.configFingerprint().equals(fingerprint)) {
        losePlan(
            name,
            "config_fingerprint must be "
                + fingerprint
                + ", that of the first plan, but is "
                + ofPart.configFingerprint());
        return;
      }
      parts.add(part);
      digest = digest.plus(planned.get());
    } catch (IllegalArgumentException e) {
      losePlan(name, "must be the settings of a run as JSON, but: " + e.getMessage());
    }
  }

  /** How many parts the dataset was made in, as far as their plans can be read. */
  int parts() {
    return parts.size();
  }

  boolean isExtended() {
    return parts.size() > 1;
  }

  private void losePlan(String name, String problem) {
    problems.add(name, problem);
    planLost = true;
  }

  /**
   * @throws IllegalArgumentException if it is none, on one line
   */
  private static ObjectNode object(byte[] content) {
    try {
      JsonNode json = JSON.readTree(content);
      if (json instanceof ObjectNode object) {
        return object;
      }
      throw new IllegalArgumentException("it is of type " + json.getNodeType());
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e.getOriginalMessage().replaceAll("\\s*\\R\\s*", " "), e);
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** Compares the plan with what all shards hold together. */
  void comparePlan(List<ShardFacts> shards, Optional<String> sum, boolean finished) {
    if (examples.isEmpty()) {
      return;
    }
    long held = shards.stream().mapToLong(shard -> shard.rows() + shard.duplicates()).sum();
    long planned = examples.getAsLong();
    if (held == planned) {
      // What was asked for twice is in the sum twice, but not known any more.
      boolean distinct = shards.stream().allMatch(shard -> shard.duplicates() == 0);
      if (distinct && sum.isPresent() && !sum.get().equals(digest.hex())) {
        losePlan(
            DatasetPaths.PLAN,
            "example_ids_sum must be " + sum.get() + ", that of all rows, but is " + digest.hex());
      }
      return;
    }
    String accounts =
        planned + " images were asked for, but the markers of all shards account for " + held;
    if (held > planned) {
      losePlan(DatasetPaths.PLAN, "examples must be " + held + ": " + accounts);
    } else if (finished) {
      problems.add(DatasetPaths.SUCCESS, "must stand in a complete dataset only: " + accounts);
    }
  }

  /**
   * Compares what was made of all shards.
   *
   * @param shards the facts of all, or empty if they are not all known
   * @param damaged whether a marker may be wrong, so that what differs can't be told from it
   * @param version of this program
   */
  void compareCard(
      Optional<List<ShardFacts>> shards,
      boolean damaged,
      boolean finished,
      long rejected,
      String version)
      throws IOException {
    if (shards.isEmpty() || settings.isEmpty() || parts.isEmpty()) {
      removeIfThere(DatasetPaths.DATASET_JSON);
      removeIfThere(DatasetPaths.CARD);
      return;
    }
    // Both count the rejected records; which of them is right is told elsewhere.
    long counted =
        dataset
            .map(json -> json.at("/counts/rejected"))
            .filter(JsonNode::isIntegralNumber)
            .map(JsonNode::longValue)
            .orElse(rejected);
    DatasetCard card = DatasetCard.of(settings.get(), counted, shards.get(), parts);
    if (datasetBytes.isPresent() && dataset.isPresent()) {
      Optional<String> difference = difference(card.json(), version);
      if (difference.isPresent()) {
        removeOrTell(damaged, DatasetPaths.DATASET_JSON, difference.get());
      }
    } else if (finished && datasetBytes.isEmpty()) {
      problems.add(
          DatasetPaths.DATASET_JSON, "must be there, as the dataset is complete, but is not");
    }
    Optional<byte[]> markdown = read(DatasetPaths.CARD);
    if (markdown.isEmpty()) {
      if (finished) {
        problems.add(DatasetPaths.CARD, "must be there, as the dataset is complete, but is not");
      }
    } else if (settings.get().pipelineVersion().equals(version)) {
      int at = Arrays.mismatch(markdown.get(), card.markdown().getBytes(StandardCharsets.UTF_8));
      if (at >= 0) {
        removeOrTell(
            damaged,
            DatasetPaths.CARD,
            "must be the card of this dataset, but differs from byte " + at + " on");
      }
    }
  }

  private void removeIfThere(String name) throws IOException {
    if (store.exists(name)) {
      remove.add(name);
    }
  }

  private void removeOrTell(boolean damaged, String name, String problem) {
    if (damaged) {
      remove.add(name);
    } else {
      tell(name, problem);
    }
  }

  private Optional<String> difference(String text, String version) {
    ObjectNode wanted = object(text.getBytes(StandardCharsets.UTF_8));
    ObjectNode found = dataset.orElseThrow();
    TreeSet<String> names = new TreeSet<>(LASTING);
    if (settings.orElseThrow().pipelineVersion().equals(version)) {
      wanted.fieldNames().forEachRemaining(names::add);
      found.fieldNames().forEachRemaining(names::add);
    }
    for (String name : names) {
      String here = wanted.has(name) ? CanonicalJson.write(wanted.get(name)) : "absent";
      String there = found.has(name) ? CanonicalJson.write(found.get(name)) : "absent";
      if (!here.equals(there)) {
        return Optional.of(
            here.length() + there.length() > 500
                ? name + " must be that of plan and shards, but is another"
                : name + " must be " + here + ", as plan and shards say, but is " + there);
      }
    }
    boolean same = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), datasetBytes.orElseThrow());
    return same || !settings.orElseThrow().pipelineVersion().equals(version)
        ? Optional.empty()
        : Optional.of("must be written as runs write it, but is written otherwise");
  }

  /**
   * Counts the rejected records, and compares them with {@code dataset.json}.
   *
   * @return how many there are
   */
  long rejected() throws IOException {
    List<String> names = new ArrayList<>(store.list("rejected/"));
    long count = 0;
    for (String name : names) {
      count += rejected(name);
    }
    if (dataset.isPresent()) {
      JsonNode counted = dataset.get().at("/counts/rejected");
      if (counted.isIntegralNumber() && counted.longValue() != count) {
        problems.add(
            "rejected/",
            "must hold " + counted + " records, as dataset.json counts them, but holds " + count);
        remove.addAll(names);
        remove.add(DatasetPaths.DATASET_JSON);
      }
    }
    return count;
  }

  private long rejected(String name) throws IOException {
    long line = 0;
    try (InputStream in = store.read(name);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String text = lines.readLine(); text != null; text = lines.readLine()) {
        line++;
        bytes += text.length() + 1;
        ObjectNode json = object(text.getBytes(StandardCharsets.UTF_8));
        if (!json.path("file").isTextual()
            || !json.path("line").isIntegralNumber()
            || !json.path("reason").isTextual()
            || json.size() != 3) {
          throw new IllegalArgumentException("it must have file, line and reason");
        }
      }
    } catch (IllegalArgumentException e) {
      tell(
          name,
          "line " + line + " must be a rejected record as JSON, but is not: " + e.getMessage());
    }
    objects++;
    return line;
  }
}
