package io.shardlight.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an output directory is for: the settings and the examples of its dataset, in {@link
 * DatasetPaths#PLAN}, and of each part by which it was extended. A plan is written before the
 * part's first image and never changed, so a run with other settings or prompts stops before it
 * does harm.
 */
public final class DatasetPlan {
  static final String EXAMPLES = "examples";
  static final String FIRST_SHARD = "first_shard";
  static final String DIGEST = "example_ids_sum";

  /** What of the settings may be another in each part: all that only picks what to draw. */
  private static final Set<String> OF_PARTS =
      Set.of(
          EXAMPLES,
          DIGEST,
          FIRST_SHARD,
          "pipeline_version",
          "seed",
          "images_per_prompt",
          "shard_size",
          "save_additional_columns",
          "expand_templates",
          "wildcards_sha256");

  private static final ObjectMapper JSON = new ObjectMapper();

  private DatasetPlan() {}

  /**
   * Claims a store for a dataset or a part of one, or finds that it is this one's already. From
   * then on the dataset is unfinished; an old one of which nothing is to stay is erased.
   *
   * @throws IllegalStateException if the store holds another, naming every difference
   */
  public static void claim(
      ObjectStore store, GenerationSettings settings, PlanDigest digest, RunScope scope)
      throws IOException {
    ObjectNode plan = plan(settings, digest, scope);
    Optional<String> problem = problem(store, settings, digest, scope);
    if (problem.isPresent()) {
      throw new IllegalStateException(problem.get());
    }
    if (scope.mode() == DatasetMode.OVERWRITE && !isBegun(store, plan)) {
      DatasetErasure.erase(store);
      store.create(DatasetPaths.OVERWRITE, new byte[0]);
    }
    if (!scope.retriesFailed()) {
      byte[] content = (CanonicalJson.write(plan) + "\n").getBytes(StandardCharsets.UTF_8);
      if (store.create(DatasetPaths.plan(scope.part()), content) == ObjectStore.Creation.EXISTS) {
        Optional<String> overtaken = problem(store, settings, digest, scope);
        if (overtaken.isPresent()) {
          throw new IllegalStateException(overtaken.get());
        }
      }
    }
    if (scope.isPartial()) {
      DatasetErasure.eraseCard(store);
    }
  }

  /** Whether an overwriting run has erased all and begun this very dataset, but not finished it. */
  private static boolean isBegun(ObjectStore store, ObjectNode plan) throws IOException {
    if (!store.exists(DatasetPaths.OVERWRITE)) {
      return false;
    }
    List<DatasetPart> parts = DatasetPart.list(store);
    return parts.size() == 1
        && differences(parts.get(0).plan(), plan, Set.of()).isEmpty()
        && !store.exists(DatasetPaths.SUCCESS);
  }

  /** Tells what {@link #claim} would find wrong, without claiming; empty if nothing. */
  public static Optional<String> problem(
      ObjectStore store, GenerationSettings settings, PlanDigest digest, RunScope scope)
      throws IOException {
    Optional<String> problem = problem(store, settings, scope);
    if (problem.isPresent()
        || scope.makesAgain()
        || !store.exists(DatasetPaths.plan(scope.part()))) {
      return problem;
    }
    DatasetPart there = DatasetPart.read(store, scope.part());
    List<String> differences = differences(there.plan(), plan(settings, digest, scope), Set.of());
    String remedy = remedy(scope);
    if (scope.mode() == DatasetMode.INCREMENTAL
        && differences(there.settings(), settings.toJson(), Set.of()).isEmpty()) {
      remedy += ", or add mode=extend to add the prompts that are new";
    }
    return refusal(store, differences, remedy);
  }

  /**
   * Tells before a run starts whether its settings fit what the output holds; the prompts are
   * compared later, by {@link #claim}.
   *
   * @return what is wrong, on one line; empty if nothing is
   */
  public static Optional<String> problem(
      ObjectStore store, GenerationSettings settings, RunScope scope) throws IOException {
    List<DatasetPart> parts = DatasetPart.list(store);
    Optional<String> missing = DatasetPart.missingPlan(store, parts);
    if (missing.isPresent() && scope.mode() != DatasetMode.OVERWRITE) {
      return Optional.of(
          "output "
              + store.root()
              + " must have "
              + missing.get()
              + " as it has plans that came after it, but has not; put it back from a copy, or make"
              + " the dataset in a new output");
    }
    if (parts.isEmpty()) {
      return scope.retriesFailed()
          ? Optional.of(
              "output "
                  + store.root()
                  + " must hold a dataset whose failed images are to be tried again, but has no "
                  + DatasetPaths.PLAN
                  + "; leave out mode=retry-failed to make one")
          : foreign(store);
    }
    ObjectNode first = parts.get(0).plan();
    return switch (scope.mode()) {
      case OVERWRITE -> Optional.empty();
      case INCREMENTAL ->
          parts.size() > 1
              ? Optional.of(
                  "output "
                      + store.root()
                      + " holds a dataset that was extended; add mode=extend to go on with it")
              : sameSettings(store, settings, scope, first);
      case EXTEND ->
          scope.part() == 0
              ? sameSettings(store, settings, scope, first)
              : fits(store, settings, first);
      case RETRY_FAILED -> {
        Optional<String> problem = fits(store, settings, first);
        yield problem.isPresent() ? problem : incomplete(store, parts);
      }
    };
  }

  private static Optional<String> sameSettings(
      ObjectStore store, GenerationSettings settings, RunScope scope, ObjectNode first) {
    return refusal(
        store, differences(first, settings.toJson(), Set.of(EXAMPLES, DIGEST)), remedy(scope));
  }

  /** Whether images made with these settings may be part of the dataset. */
  private static Optional<String> fits(
      ObjectStore store, GenerationSettings settings, ObjectNode first) {
    return refusal(
        store, differences(first, settings.toJson(), OF_PARTS), "the settings it was begun with");
  }

  private static Optional<String> incomplete(ObjectStore store, List<DatasetPart> parts)
      throws IOException {
    long planned = parts.stream().mapToLong(DatasetPart::examples).sum();
    long there =
        CommittedShards.list(store).stream()
            .mapToLong(facts -> facts.rows() + facts.duplicates())
            .sum();
    return planned == there
        ? Optional.empty()
        : Optional.of(
            "output "
                + store.root()
                + " must have all its shards before failed images are tried again, but has "
                + there
                + " of "
                + planned
                + " images; run without mode=retry-failed first");
  }

  /** Files of ours that no run of ours wrote would stop the job at its very end. */
  private static Optional<String> foreign(ObjectStore store) throws IOException {
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

  private static ObjectNode plan(GenerationSettings settings, PlanDigest digest, RunScope scope) {
    ObjectNode plan = settings.toJson();
    plan.put(EXAMPLES, digest.examples());
    plan.put(DIGEST, digest.hex());
    if (scope.addsPart()) {
      plan.put(FIRST_SHARD, scope.firstShard());
    }
    return plan;
  }

  private static List<String> differences(ObjectNode there, ObjectNode asked, Set<String> but) {
    TreeSet<String> names = new TreeSet<>();
    there.fieldNames().forEachRemaining(names::add);
    asked.fieldNames().forEachRemaining(names::add);
    names.removeAll(but);
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

  /** What to run with instead. */
  private static String remedy(RunScope scope) {
    return "the same prompts and settings"
        + (scope.mode() == DatasetMode.EXTEND ? " to finish it before it is extended" : "");
  }

  private static Optional<String> refusal(
      ObjectStore store, List<String> differences, String remedy) {
    return differences.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "output "
                + store.root()
                + " holds another dataset: "
                + String.join("; ", differences)
                + "; run with "
                + remedy
                + ", or choose a new output");
  }
}
