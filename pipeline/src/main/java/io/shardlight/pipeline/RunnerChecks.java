package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Looks at what {@code --runner} names, and at the options that belong to one runner only. */
final class RunnerChecks {
  private static final String FLINK = "FlinkRunner";

  /** Options of ours that Beam knows if Flink is on the class path. */
  private static final List<String> FLINK_ONLY = List.of("flinkMaster", "parallelism");

  private RunnerChecks() {}

  /** The runner of the job if its workers are other processes. */
  static Optional<RemoteRunner> remote(CommandLine line) {
    return line.usable("runner").flatMap(RemoteRunner::find);
  }

  /** What can be told from the command line alone, a line each. */
  static List<String> problems(CommandLine line) {
    List<String> problems = new ArrayList<>();
    boolean flink = line.usable("runner").filter(FLINK::equals).isPresent();
    if (!flink) {
      for (String option : FLINK_ONLY) {
        line.usable(option)
            .ifPresent(
                value ->
                    problems.add(
                        "--%s=%s: used with --runner=%s only; add that, or leave it out"
                            .formatted(option, value, FLINK)));
      }
    } else if (remote(line).isEmpty()) {
      problems.add(
          "--runner="
              + FLINK
              + ": not on the class path of this process; start it by ./shardlight, which puts it"
              + " there");
    } else if (!line.isGiven("flinkMaster")) {
      problems.add(
          "--flinkMaster: missing with --runner="
              + FLINK
              + "; give HOST:PORT of the JobManager's web interface, for example"
              + " --flinkMaster=localhost:8081");
    }
    return problems;
  }
}
