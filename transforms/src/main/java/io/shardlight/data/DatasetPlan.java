package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What an output directory is for: the settings and the examples of its dataset, in {@link
 * DatasetPaths#PLAN}. It is written before the first image and never replaced, so a run with other
 * settings or prompts stops before it does harm.
 */
public final class DatasetPlan {
  private static final ObjectMapper JSON = new ObjectMapper();

  private DatasetPlan() {}

  /**
   * Claims a store for a dataset, or finds that it is this dataset's already.
   *
   * @throws IllegalStateException if it holds another, naming every difference
   */
  public static void claim(ObjectStore store, GenerationSettings settings, PlanDigest digest)
      throws IOException {
    Optional<String> foreign = foreign(store);
    if (foreign.isPresent()) {
      throw new IllegalStateException(foreign.get());
    }
    ObjectNode plan = plan(settings, digest);
    byte[] content = (CanonicalJson.write(plan) + "\n").getBytes(StandardCharsets.UTF_8);
    if (store.create(DatasetPaths.PLAN, content) == ObjectStore.Creation.CREATED) {
      return;
    }
    Optional<String> problem = refusal(store, differences(read(store), plan));
    if (problem.isPresent()) {
      throw new IllegalStateException(problem.get());
    }
  }

  /** Tells what {@link #claim} would find wrong, without claiming; empty if nothing. */
  public static Optional<String> problem(
      ObjectStore store, GenerationSettings settings, PlanDigest digest) throws IOException {
    return store.exists(DatasetPaths.PLAN)
        ? refusal(store, differences(read(store), plan(settings, digest)))
        : foreign(store);
  }

  /**
   * Tells before a run starts whether its settings fit what the output holds; the prompts are
   * compared later, by {@link #claim}.
   *
   * @return what is wrong, on one line; empty if nothing is
   */
  public static Optional<String> problem(ObjectStore store, GenerationSettings settings)
      throws IOException {
    if (!store.exists(DatasetPaths.PLAN)) {
      return foreign(store);
    }
    ObjectNode plan = read(store).deepCopy();
    plan.remove(List.of("examples", "example_ids_sum"));
    return refusal(store, differences(plan, settings.toJson()));
  }

  /** The plan of a dataset that was begun; empty if the store holds none. */
  public static Optional<JsonNode> find(ObjectStore store) throws IOException {
    return store.exists(DatasetPaths.PLAN) ? Optional.of(read(store)) : Optional.empty();
  }

  /** Files of ours that no run of ours wrote would stop the job at its very end. */
  private static Optional<String> foreign(ObjectStore store) throws IOException {
    if (store.exists(DatasetPaths.PLAN)) {
      return Optional.empty();
    }
    for (String name :
        List.of(
            DatasetPaths.CARD,
            DatasetPaths.DATASET_JSON,
            DatasetPaths.SIDECAR,
            DatasetPaths.SUCCESS)) {
      if (store.exists(name)) {
        return Optional.of(
            "output "
                + store.root()
                + " must be new or hold an unfinished dataset, but has a "
                + name
                + " and no "
                + DatasetPaths.PLAN
                + "; choose a new output");
      }
    }
    return Optional.empty();
  }

  private static ObjectNode plan(GenerationSettings settings, PlanDigest digest) {
    ObjectNode plan = settings.toJson();
    plan.put("examples", digest.examples());
    plan.put("example_ids_sum", digest.hex());
    return plan;
  }

  private static ObjectNode read(ObjectStore store) throws IOException {
    try (InputStream in = store.read(DatasetPaths.PLAN)) {
      JsonNode plan = JSON.readTree(in);
      if (plan instanceof ObjectNode object) {
        return object;
      }
      throw new IOException(
          DatasetPaths.PLAN
              + " in "
              + store.root()
              + " must be a JSON object, but is of type "
              + plan.getNodeType());
    }
  }

  private static List<String> differences(ObjectNode there, ObjectNode asked) {
    TreeSet<String> names = new TreeSet<>();
    there.fieldNames().forEachRemaining(names::add);
    asked.fieldNames().forEachRemaining(names::add);
    List<String> differences = new ArrayList<>();
    for (String name : names) {
      String before =
          CanonicalJson.write(
              there.path(name).isMissingNode() ? JSON.nullNode() : there.path(name));
      String now =
          CanonicalJson.write(
              asked.path(name).isMissingNode() ? JSON.nullNode() : asked.path(name));
      if (!before.equals(now)) {
        differences.add(name + " is " + before + " there and " + now + " now");
      }
    }
    return differences;
  }

  private static Optional<String> refusal(ObjectStore store, List<String> differences) {
    return differences.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "output "
                + store.root()
                + " holds another dataset: "
                + String.join("; ", differences)
                + "; run with the same prompts and settings, or choose a new output");
  }
}
