package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** Looks at what {@code --runner} names, and at the options that belong to one runner only. */
final class RunnerChecks {
  private static final String FLINK = "FlinkRunner";
  private static final String DATAFLOW = "DataflowRunner";

  /** Runners that are put on the class path when they are asked for. */
  private static final Set<String> LOADED = Set.of(FLINK, DATAFLOW);

  /** Options of ours that Beam knows if Flink is on the class path. */
  private static final List<String> FLINK_ONLY = List.of("flinkMaster", "parallelism");

  private static final List<String> DATAFLOW_ONLY = List.of("accelerator");

  private RunnerChecks() {}

  /** The runner of the job if its workers are other processes. */
  static Optional<RemoteRunner> remote(CommandLine line) {
    return line.usable("runner").flatMap(RemoteRunner::find);
  }

  /** What can be told from the command line alone, a line each. */
  static List<String> problems(CommandLine line) {
    List<String> problems = new ArrayList<>();
    String runner = line.usable("runner").orElse("");
    refuse(FLINK_ONLY, FLINK, runner, line, problems);
    refuse(DATAFLOW_ONLY, DATAFLOW, runner, line, problems);
    if (LOADED.contains(runner) && remote(line).isEmpty()) {
      problems.add(
          "--runner="
              + runner
              + ": not on the class path of this process; start it by ./shardlight, which puts it"
              + " there");
    } else if (runner.equals(FLINK) && !line.isGiven("flinkMaster")) {
      problems.add(
          "--flinkMaster: missing with --runner="
              + FLINK
              + "; give HOST:PORT of the JobManager's web interface, for example"
              + " --flinkMaster=localhost:8081");
    }
    return problems;
  }

  private static void refuse(
      List<String> options, String owner, String runner, CommandLine line, List<String> problems) {
    if (runner.equals(owner)) {
      return;
    }
    for (String option : options) {
      line.usable(option)
          .ifPresent(
              value ->
                  problems.add(
                      "--%s=%s: used with --runner=%s only; add that, or leave it out"
                          .formatted(option, value, owner)));
    }
  }

  /**
   * What a runner elsewhere has against the options, a line each. It makes all other checks idle,
   * since they look at this machine.
   */
  static List<String> elsewhere(CommandLine line, Set<String> terminal) {
    Optional<RemoteRunner> remote = remote(line);
    if (remote.isEmpty()) {
      return List.of();
    }
    try {
      return remote.get().check(options(line, terminal));
    } catch (IllegalArgumentException e) {
      // Beam's own options are checked by Beam.
      return List.of(Causes.line(e));
    }
  }

  /** The devices of workers that are unlike this machine; empty if this machine's count. */
  static Optional<WorkerDevices> devices(CommandLine line, Set<String> terminal) {
    return remote(line).flatMap(place -> place.devices(options(line, terminal)));
  }

  /** What nothing is wrong with by itself. */
  private static PipelineOptions options(CommandLine line, Set<String> terminal) {
    return PipelineOptionsFactory.fromArgs(line.usableArguments(terminal).toArray(new String[0]))
        .as(GenerateOptions.class);
  }
}
