package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Durations;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ShardReport;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * All shards of a run together, and the checks that a dataset must pass.
 *
 * @param asked images asked for, duplicates included
 * @param rejected records that never became examples
 * @param reports one a shard, by shard number
 */
record RunTotals(long asked, long rejected, List<ShardReport> reports) {
  RunTotals {
    reports =
        reports.stream().sorted(Comparator.comparingInt(report -> report.key().number())).toList();
  }

  long ok() {
    return reports.stream().mapToLong(report -> report.facts().ok()).sum();
  }

  long failed() {
    return reports.stream().mapToLong(report -> report.facts().failed()).sum();
  }

  long blocked() {
    return reports.stream().mapToLong(report -> report.facts().blocked()).sum();
  }

  long duplicates() {
    return reports.stream().mapToLong(report -> report.facts().duplicates()).sum();
  }

  /** Rows of shards that an earlier run or attempt had committed. */
  long alreadyPresent() {
    return reports.stream()
        .filter(ShardReport::alreadyPresent)
        .mapToLong(report -> report.facts().rows())
        .sum();
  }

  long rows() {
    return ok() + failed() + blocked();
  }

  long imageBytes() {
    return reports.stream().mapToLong(report -> report.facts().imageBytes()).sum();
  }

  /** Why this is no finished dataset; empty if it is one. */
  Optional<String> problem(GenerationSettings settings) {
    if (asked == 0) {
      return Optional.of(
          "input must hold at least one usable prompt, but held none, and "
              + rejected
              + " records that were rejected; nothing was generated");
    }
    for (int i = 0; i < reports.size(); i++) {
      if (reports.get(i).key().number() != i) {
        return Optional.of(
            "shards must be numbered without gaps, but shard "
                + i
                + " is missing or there twice; this is a bug, please report it");
      }
    }
    if (asked != rows() + duplicates()) {
      return Optional.of(
          "every image must be accounted for: "
              + asked
              + " were asked for, but ok "
              + ok()
              + " + failed "
              + failed()
              + " + blocked "
              + blocked()
              + " + duplicates "
              + duplicates()
              + " (already present "
              + alreadyPresent()
              + " of these) make "
              + (rows() + duplicates())
              + "; this is a bug, please report it");
    }
    if (failed() > settings.maxFailureRatio() * rows()) {
      return Optional.of(
          "at most "
              + settings.maxFailureRatio()
              + " of the images may fail (maxFailureRatio), but "
              + failed()
              + " of "
              + rows()
              + " did; see error_class in the manifests, and raise maxFailureRatio to accept them");
    }
    return Optional.empty();
  }

  /** Counts that any run that finishes this dataset comes to. */
  ObjectNode counts() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("asked", asked);
    json.put("ok", ok());
    json.put("failed", failed());
    json.put("blocked", blocked());
    json.put("duplicates", duplicates());
    json.put("rejected", rejected);
    return json;
  }

  /** What was done this time; volatile. */
  ObjectNode report(String runId, double maxFailureRatio, Optional<String> problem) {
    List<ShardReport> made = reports.stream().filter(report -> !report.alreadyPresent()).toList();
    long generated = made.stream().mapToLong(report -> report.facts().ok()).sum();
    long padded = made.stream().mapToLong(report -> report.work().paddedSlots()).sum();
    long attempted = made.stream().mapToLong(report -> report.facts().rows()).sum();
    long start = made.stream().mapToLong(report -> report.work().startMillis()).min().orElse(0);
    long end =
        made.stream()
            .mapToLong(report -> report.work().startMillis() + report.work().totalMillis())
            .max()
            .orElse(0);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("run_id", runId);
    json.put("succeeded", problem.isEmpty());
    problem.ifPresent(text -> json.put("problem", text));
    ObjectNode counts = counts();
    counts.put("already_present", alreadyPresent());
    counts.put("generated", generated);
    json.set("counts", counts);
    json.put("max_failure_ratio", maxFailureRatio);
    json.put("shards", reports.size());
    json.put("shards_already_present", reports.size() - made.size());
    json.put("batches", made.stream().mapToLong(report -> report.work().batches()).sum());
    json.put("padded_slots", padded);
    json.put("padding_ratio", ratio(padded, padded + attempted));
    json.put("image_bytes", imageBytes());
    long device = made.stream().mapToLong(report -> report.work().deviceMillis()).sum();
    long work = made.stream().mapToLong(report -> report.work().workMillis()).sum();
    json.put("device_millis", device);
    json.put("device_busy_ratio", ratio(device, work));
    json.put("retries", sum(made, ShardReport.Containment::retries));
    json.put("splits", sum(made, ShardReport.Containment::splits));
    json.put("oom_halvings", sum(made, ShardReport.Containment::oomHalvings));
    ObjectNode stages = json.putObject("stages");
    put(stages, "generate", made, ShardReport.Stages::generate);
    put(stages, "encode", made, ShardReport.Stages::encode);
    put(stages, "write", made, ShardReport.Stages::write);
    put(stages, "commit", made, ShardReport.Stages::commit);
    if (!made.isEmpty()) {
      json.put("started", Instant.ofEpochMilli(start).toString());
      json.put("finished", Instant.ofEpochMilli(end).toString());
      json.put("images_per_second", ratio(1000 * generated, Math.max(1, end - start)));
    }
    return json;
  }

  private static long sum(List<ShardReport> made, ToLongFunction<ShardReport.Containment> count) {
    return made.stream().mapToLong(report -> count.applyAsLong(report.work().containment())).sum();
  }

  /** How long each of a stage took: a batch, an image, an image, a shard. */
  private static void put(
      ObjectNode stages,
      String name,
      List<ShardReport> made,
      Function<ShardReport.Stages, Durations> stage) {
    Durations all =
        Durations.sum(made.stream().map(report -> stage.apply(report.work().stages())).toList());
    ObjectNode json = stages.putObject(name);
    json.put("count", all.count());
    json.put("p50_millis", all.percentileMillis(50));
    json.put("p95_millis", all.percentileMillis(95));
    json.put("max_millis", all.percentileMillis(100));
  }

  private static BigDecimal ratio(long part, long whole) {
    return whole == 0
        ? BigDecimal.ZERO
        : BigDecimal.valueOf(part).divide(BigDecimal.valueOf(whole), new MathContext(4));
  }
}
