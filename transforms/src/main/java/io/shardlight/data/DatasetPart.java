package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A part of a dataset that was begun: its first one, or one by which it was extended.
 *
 * @param number from 0
 * @param plan its settings, examples and first shard, as {@link DatasetPlan} wrote them
 */
public record DatasetPart(int number, ObjectNode plan) {
  /** Field of {@code dataset.json} with the plans of all parts but the first. */
  public static final String EXTENSIONS = "extensions";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** All parts in order; none if the store holds no dataset. */
  public static List<DatasetPart> list(ObjectStore store) throws IOException {
    List<DatasetPart> parts = new ArrayList<>();
    while (store.exists(DatasetPaths.plan(parts.size()))) {
      parts.add(read(store, parts.size()));
    }
    return parts;
  }

  /**
   * @throws IOException also if the plan isn't a JSON object
   */
  static DatasetPart read(ObjectStore store, int number) throws IOException {
    String name = DatasetPaths.plan(number);
    try (InputStream in = store.read(name)) {
      JsonNode plan = JSON.readTree(in);
      if (plan instanceof ObjectNode object) {
        return new DatasetPart(number, object);
      }
      throw damaged(store, name, "is of type " + plan.getNodeType(), null);
    } catch (JsonProcessingException e) {
      throw damaged(store, name, "can't be parsed: " + e.getOriginalMessage(), e);
    }
  }

  private static IOException damaged(
      ObjectStore store, String name, String found, @Nullable Exception cause) {
    return new IOException(
        name
            + " in "
            + store.root()
            + " must be the JSON object that a run wrote, but "
            + found
            + "; put it back from a copy, or make the dataset in a new output",
        cause);
  }

  /**
   * The first of the plans that are missing before another; without it nobody can tell which
   * examples the shards of its part hold.
   *
   * @param parts as listed
   */
  static Optional<String> missingPlan(ObjectStore store, List<DatasetPart> parts)
      throws IOException {
    long extensions =
        store.list(DatasetPaths.EXTENSION_PLANS).stream()
            .filter(name -> name.endsWith(".json"))
            .count();
    boolean all = extensions == Math.max(0, parts.size() - 1);
    return all ? Optional.empty() : Optional.of(DatasetPaths.plan(parts.size()));
  }

  /**
   * Whether all up to this part is done: the dataset has its card, and the card knows of the part.
   */
  public static boolean isFinished(ObjectStore store, int number) throws IOException {
    if (!store.exists(DatasetPaths.SUCCESS) || !store.exists(DatasetPaths.DATASET_JSON)) {
      return false;
    }
    try (InputStream in = store.read(DatasetPaths.DATASET_JSON)) {
      return JSON.readTree(in).path(EXTENSIONS).size() >= number;
    }
  }

  /** Number of the part's first shard. */
  public int firstShard() {
    return plan.path(DatasetPlan.FIRST_SHARD).asInt(0);
  }

  /** The settings alone. */
  public ObjectNode settings() {
    return plan.deepCopy()
        .without(List.of(DatasetPlan.EXAMPLES, DatasetPlan.DIGEST, DatasetPlan.FIRST_SHARD));
  }

  /** Examples planned, duplicates included. */
  public long examples() {
    return plan.path(DatasetPlan.EXAMPLES).asLong();
  }

  /** Which examples were planned; empty if the plan does not say so as one that was written. */
  public Optional<PlanDigest> digest() {
    JsonNode count = plan.path(DatasetPlan.EXAMPLES);
    String sum = plan.path(DatasetPlan.DIGEST).asText();
    return count.isIntegralNumber() && sum.matches("[0-9a-f]{32}")
        ? Optional.of(
            new PlanDigest(
                count.longValue(),
                Long.parseUnsignedLong(sum, 0, 16, 16),
                Long.parseUnsignedLong(sum, 16, 32, 16)))
        : Optional.empty();
  }
}
