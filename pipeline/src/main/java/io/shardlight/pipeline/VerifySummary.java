package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Buckets;
import io.shardlight.data.DatasetPaths;
import io.shardlight.verify.Verification;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a verification found, for people and for programs.
 *
 * @param root of the dataset
 * @param wall time it took
 */
record VerifySummary(Verification found, String root, Duration wall) {
  /** Problems and objects to remove that people are shown; programs get more. */
  private static final int SHOWN = 20;

  /** The summary's lines. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    found.problems().stream().limit(SHOWN).forEach(problem -> lines.add(problem.toString()));
    long more = found.problemCount() - lines.size();
    if (more > 0) {
      lines.add("and " + RunSummary.count(more, "more problem", "more problems"));
    }
    lines.add(verdict());
    found.notes().forEach(lines::add);
    Verification.Counts counts = found.counts();
    lines.add(
        RunSummary.count(counts.objects(), "object", "objects")
            + ", "
            + Progress.bytes(counts.bytes())
            + " read in "
            + Progress.duration(wall));
    if (found.problemCount() > 0) {
      lines.addAll(repair());
    } else if (!found.finished()) {
      lines.add("The command that made it goes on where it was");
    }
    lines.add("Dataset: " + root);
    return lines;
  }

  private String verdict() {
    Verification.Counts counts = found.counts();
    List<String> parts = new ArrayList<>();
    parts.add(
        RunSummary.count(counts.images(), "image", "images")
            + " in "
            + RunSummary.count(counts.shards(), "complete shard", "complete shards"));
    add(parts, counts.failed(), "failed", "failed");
    add(parts, counts.blocked(), "blocked", "blocked");
    add(parts, counts.duplicates(), "duplicate", "duplicates");
    add(parts, counts.rejected(), "record rejected", "records rejected");
    String all = String.join(", ", parts);
    String planned =
        found.planned().isPresent()
            ? "; "
                + RunSummary.count(found.planned().getAsLong(), "was asked for", "were asked for")
            : "";
    if (found.problemCount() > 0) {
      return (found.finished() ? "Damaged: " : "Damaged and not finished: ")
          + RunSummary.count(found.problemCount(), "problem", "problems")
          + " in a dataset of "
          + all;
    }
    return found.finished()
        ? "Whole: " + all
        : "Not finished, as there is no "
            + DatasetPaths.SUCCESS
            + "; what is complete is whole: "
            + all
            + planned;
  }

  private static void add(List<String> parts, long count, String one, String many) {
    if (count > 0) {
      parts.add(RunSummary.count(count, one, many));
    }
  }

  private List<String> repair() {
    List<String> lines = new ArrayList<>();
    if (found.planLost()) {
      lines.add(
          "To repair "
              + DatasetPaths.PLAN
              + ", copy it from a backup, or run the command that made the dataset with another"
              + " --output, stop it when that has one, and copy it from there");
    }
    if (found.beyondRepair()) {
      return lines; // The notes say it.
    }
    if (found.remove().isEmpty()) {
      lines.add("To repair it, run the command that made it again");
      return lines;
    }
    lines.add(
        "To repair it, remove what is in the way, and run the command that made it again, which"
            + " makes it anew:");
    String names =
        found.remove().stream()
            .limit(SHOWN)
            .map(name -> quoted(root + "/" + name))
            .collect(Collectors.joining(" "));
    lines.add((Buckets.isIn(root) ? "  gcloud storage rm " : "  rm ") + names);
    int more = found.remove().size() - SHOWN;
    if (more > 0) {
      lines.add(
          "and " + RunSummary.count(more, "more object", "more objects") + ", which --json lists");
    }
    return lines;
  }

  /** For a shell. */
  private static String quoted(String path) {
    return path.matches("[A-Za-z0-9_@%+=:,./-]+") ? path : "'" + path.replace("'", "'\\''") + "'";
  }

  /** All that was found; of problems the first thousand. */
  ObjectNode json() {
    Verification.Counts counts = found.counts();
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("dataset", root);
    json.put("whole", found.isWhole());
    json.put("finished", found.finished());
    found.planned().ifPresent(count -> json.put("asked", count));
    json.put("shards", counts.shards());
    json.put("images", counts.images());
    json.put("failed", counts.failed());
    json.put("blocked", counts.blocked());
    json.put("duplicates", counts.duplicates());
    json.put("rejected", counts.rejected());
    json.put("objects_read", counts.objects());
    json.put("bytes_read", counts.bytes());
    json.put("wall_millis", wall.toMillis());
    json.put("problem_count", found.problemCount());
    ArrayNode problems = json.putArray("problems");
    found
        .problems()
        .forEach(
            problem ->
                problems
                    .addObject()
                    .put("object", problem.object())
                    .put("problem", problem.text()));
    ArrayNode remove = json.putArray("remove");
    found.remove().forEach(remove::add);
    json.put("plan_lost", found.planLost());
    json.put("beyond_repair", found.beyondRepair());
    ArrayNode notes = json.putArray("notes");
    found.notes().forEach(notes::add);
    return json;
  }
}
