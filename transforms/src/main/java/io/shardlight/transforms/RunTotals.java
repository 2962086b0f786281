package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Durations;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardReport;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * All shards of a run together, those of the dataset that are not the run's, and the checks that a
 * dataset must pass.
 *
 * @param asked images that the run was asked for, duplicates included
 * @param leftAlone of these, the ones that the dataset holds in shards that are not the run's, or
 *     that did not have to be tried again
 * @param rejected records that never became examples
 * @param reports one a shard of the run, by shard number
 * @param others the dataset's other shards
 */
record RunTotals(
    RunScope scope,
    long asked,
    long leftAlone,
    long rejected,
    List<ShardReport> reports,
    List<ShardFacts> others) {
  RunTotals {
    reports =
        reports.stream().sorted(Comparator.comparingInt(report -> report.key().number())).toList();
    others = List.copyOf(others);
  }

  /** All shards of the dataset, by number. */
  List<ShardFacts> shards() {
    return Stream.concat(reports.stream().map(ShardReport::facts), others.stream())
        .sorted(Comparator.comparingInt(ShardFacts::shard))
        .toList();
  }

  /** Of the whole dataset. */
  ShardCounts counts() {
    return ShardCounts.of(shards());
  }

  /** Of the run's shards. */
  private ShardCounts countsOfRun() {
    return ShardCounts.of(reports.stream().map(ShardReport::facts).toList());
  }

  long imageBytes() {
    return shards().stream().mapToLong(ShardFacts::imageBytes).sum();
  }

  /** Rows of shards of the run that an earlier run or attempt had committed. */
  long alreadyPresent() {
    return reports.stream()
        .filter(ShardReport::alreadyPresent)
        .mapToLong(report -> report.facts().rows())
        .sum();
  }

  private long made(ToLongFunction<ShardReport.Made> count) {
    return reports.stream().map(ShardReport::made).mapToLong(count).sum();
  }

  /** Why this is no finished dataset; empty if it is one. */
  Optional<String> problem(GenerationSettings settings) {
    if (asked == 0) {
      return Optional.of(
          "input must hold at least one usable prompt, but held none, and "
              + rejected
              + " records that were rejected; nothing was generated");
    }
    return gap().or(this::imbalance).or(() -> tooManyFailed(settings));
  }

  private Optional<String> gap() {
    List<ShardFacts> shards = shards();
    for (int i = 0; i < shards.size(); i++) {
      if (shards.get(i).shard() != i) {
        return Optional.of(
            "shards must be numbered without gaps, but shard "
                + i
                + " is missing or there twice; this is a bug, please report it");
      }
    }
    return Optional.empty();
  }

  /** Every image asked for must have come to a shard of the run or be there before. */
  private Optional<String> imbalance() {
    ShardCounts run = countsOfRun();
    long found = leftAlone + (scope.retriesFailed() ? made(ShardReport.Made::asked) : run.all());
    return asked == found && made(ShardReport.Made::asked) + leftAlone == found
        ? Optional.empty()
        : Optional.of(
            "every image must be accounted for: "
                + asked
                + " were asked for, but ok "
                + run.ok()
                + " + failed "
                + run.failed()
                + " + blocked "
                + run.blocked()
                + " + duplicates "
                + run.duplicates()
                + " (already present "
                + alreadyPresent()
                + " of these), with "
                + leftAlone
                + " left as they were, make "
                + found
                + "; this is a bug, please report it");
  }

  /** Of a part that is added, its own count; those of the others were accepted before. */
  private Optional<String> tooManyFailed(GenerationSettings settings) {
    ShardCounts counts = scope.addsPart() ? countsOfRun() : counts();
    return counts.failed() <= settings.maxFailureRatio() * counts.rows()
        ? Optional.empty()
        : Optional.of(
            "at most "
                + settings.maxFailureRatio()
                + " of the images may fail (maxFailureRatio), but "
                + counts.failed()
                + " of "
                + counts.rows()
                + " did; see error_class in the manifests, try them again with mode=retry-failed,"
                + " or raise maxFailureRatio to accept them");
  }

  /**
   * Counts that any run that finishes this dataset comes to.
   *
   * @param rejected records that the dataset lists as rejected
   */
  ObjectNode datasetCounts(long rejected) {
    return counts().json(counts().all(), rejected);
  }

  /** What was asked of this run and what has come of it. */
  private ObjectNode runCounts(ShardCounts run) {
    ObjectNode json = run.json(asked, rejected);
    json.put("already_present", leftAlone + (scope.retriesFailed() ? 0 : alreadyPresent()));
    if (scope.isPartial()) {
      json.put("left_alone", leftAlone);
    }
    json.put("generated", made(ShardReport.Made::ok));
    return json;
  }

  /** Of a run that tries again, of what it tried. */
  private ShardCounts countsOfTried() {
    return scope.retriesFailed()
        ? new ShardCounts(
            made(ShardReport.Made::ok),
            made(ShardReport.Made::failed),
            made(ShardReport.Made::blocked),
            counts().flagged().map(all -> made(ShardReport.Made::flagged)),
            duplicatesTriedAgain())
        : countsOfRun();
  }

  private long duplicatesTriedAgain() {
    return reports.stream()
        .filter(report -> !report.alreadyPresent())
        .mapToLong(report -> report.made().asked() - report.made().attempted())
        .sum();
  }

  /** What was done this time; volatile. */
  ObjectNode report(String runId, double maxFailureRatio, Optional<String> problem) {
    List<ShardReport> made = reports.stream().filter(report -> !report.alreadyPresent()).toList();
    long generated = made(ShardReport.Made::ok);
    long padded = made.stream().mapToLong(report -> report.work().paddedSlots()).sum();
    long attempted = made(ShardReport.Made::attempted);
    long start = made.stream().mapToLong(report -> report.work().startMillis()).min().orElse(0);
    long end =
        made.stream()
            .mapToLong(report -> report.work().startMillis() + report.work().totalMillis())
            .max()
            .orElse(0);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("run_id", runId);
    json.put("mode", scope.mode().optionName());
    json.put("succeeded", problem.isEmpty());
    problem.ifPresent(text -> json.put("problem", text));
    ShardCounts tried = countsOfTried();
    json.set("counts", runCounts(tried));
    json.put("failure_ratio", ratio(tried.failed(), tried.rows()));
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
      long drawn = generated + made(ShardReport.Made::blocked);
      json.put("images_per_second", ratio(1000 * drawn, Math.max(1, end - start)));
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
