package io.shardlight.pipeline;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What was said on a command line of the workers of an estimate.
 *
 * @param kind of which figures are taken that were not given
 * @param perSecond images a worker makes in a second
 */
record EstimateChoice(
    Optional<WorkerKind> kind,
    Optional<Double> perSecond,
    Optional<Double> pricePerHour,
    Optional<Integer> startMinutes,
    Optional<Integer> workers,
    Optional<Double> withinHours) {

  /** Options of which nothing else knows. */
  static final Set<String> OPTIONS =
      Set.of(
          "images",
          "workerKind",
          "workers",
          "withinHours",
          "imagesPerSecond",
          "pricePerHour",
          "startMinutes");

  /**
   * Reads it.
   *
   * @param problems gets a line for what does not go together
   */
  static EstimateChoice of(CommandLine line, List<String> problems) {
    EstimateChoice choice =
        new EstimateChoice(
            line.usable("workerKind").map(WorkerKind::fromOption),
            line.usable("imagesPerSecond").map(Double::valueOf),
            line.usable("pricePerHour").map(Double::valueOf),
            line.usable("startMinutes").map(Integer::valueOf),
            line.usable("workers").map(Integer::valueOf),
            line.usable("withinHours").map(Double::valueOf));
    if (!line.isGiven("imagesPerSecond") && !line.isGiven("workerKind")) {
      for (String option :
          List.of("pricePerHour", "workers", "withinHours", "startMinutes", "images")) {
        if (line.isGiven(option)) {
          problems.add(
              "--%s=%s: tells something with --imagesPerSecond or --workerKind only; add one"
                  .formatted(option, line.value(option).orElse("")));
        }
      }
    }
    if (line.isGiven("workers") && line.isGiven("withinHours")) {
      problems.add(
          "--workers=%s: --withinHours tells how many it takes; leave one of them out"
              .formatted(line.value("workers").orElse("")));
    }
    return choice;
  }

  /** Whether more was asked for than a time and a price. */
  boolean isOfWorkers() {
    return kind.isPresent()
        || workers.isPresent()
        || withinHours.isPresent()
        || startMinutes.isPresent();
  }

  /**
   * Reckons.
   *
   * @param problems gets a line if no number of workers is in time
   */
  Optional<JobEstimate> estimate(JobEstimate.Job job, List<String> problems) {
    JobEstimate.Speed speed = speed(job);
    if (withinHours.isEmpty()) {
      return Optional.of(new JobEstimate(job, speed, workers.orElse(1)));
    }
    OptionalInt needed = JobEstimate.workersFor(job, speed, withinHours.get());
    if (needed.isEmpty()) {
      problems.add(
          "--withinHours=%s: a worker needs longer to begin and draw one shard of %d images; give"
                  .formatted(withinHours.get(), job.images() / job.shards())
              + " more hours or a smaller --shardSize");
      return Optional.empty();
    }
    return Optional.of(new JobEstimate(job, speed, needed.getAsInt()));
  }

  private JobEstimate.Speed speed(JobEstimate.Job job) {
    // What is written down is of other images than these, perhaps.
    double known = kind.map(k -> k.imagesPerSecond() * job.images() / job.references()).orElse(0.0);
    return new JobEstimate.Speed(
        kind.map(k -> " of kind " + k.optionName() + " (" + k.machine() + ")").orElse(""),
        perSecond.orElse(known),
        perSecond.isPresent() ? "as given" : kind.map(WorkerKind::basis).orElse(""),
        pricePerHour.or(() -> kind.map(WorkerKind::pricePerHour)),
        startMinutes.orElse(kind.map(WorkerKind::startMinutes).orElse(0)));
  }
}
