package io.shardlight.pipeline;

import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.beam.sdk.Pipeline;

/**
 * Hands the job of {@code generate} to a runner and returns, for programs that must not wait for
 * its end, as the launcher of a template. What {@code generate} does after the job, its workers do
 * within it; they also take the lease on the output, so that a launch which fails leaves none.
 */
public final class JobSubmission {
  private JobSubmission() {}

  /** Every option of {@code generate}, Beam's that help lists and the terminal's among them. */
  public static Collection<OptionSpec> options() {
    return GenerateCommand.CATALOG.specs();
  }

  /**
   * Checks everything that {@code generate} checks, a line on {@code err} for each thing that is
   * wrong, and submits the job if nothing is.
   *
   * @param words {@code --name=value}, Beam's own options among them
   * @param refused options of {@link #options} that the caller has not, each with the reason
   * @return 0 if the job was handed over or there is nothing to do, 1 if the runner did not take
   *     it, 2 if something is wrong with the options or with what they name
   */
  public static int submit(List<String> words, Map<String, String> refused, PrintStream err) {
    LogOutput.configure(false, err::println);
    Console console =
        new Console(System.in, err, err, OptionalInt.empty(), Map.copyOf(System.getenv()));
    try {
      return submit(words, refused, console);
    } catch (RuntimeException e) {
      err.println("The job was not submitted: " + Causes.line(e));
      return Command.FAILED;
    }
  }

  private static int submit(List<String> words, Map<String, String> refused, Console console) {
    CommandLine line = CommandLine.parse(words, GenerateCommand.CATALOG, BeamOptionNames.all());
    List<String> problems = new ArrayList<>();
    refused.forEach(
        (name, reason) -> {
          if (line.isGiven(name)) {
            problems.add("--" + name + ": " + reason + "; leave it out");
          }
        });
    problems.addAll(line.problems());
    Optional<CheckedJob> checked =
        CheckedJob.check(line, GenerateCommand.TERMINAL, console, problems);
    if (checked.isEmpty()) {
      return refuse(problems, console);
    }
    CheckedJob job = checked.get();
    Optional<String> request = GenerateCommand.request(job, problems);
    RunIdentity run =
        new RunIdentity(GenerateCommand.newRunId(), RunProcess.NONE)
            .withRequest(request.orElse(""));
    job.busy(run).ifPresent(problems::add);
    // As in the command: a finished set asks no runner.
    Optional<NothingToDo> nothing =
        problems.isEmpty()
            ? request.flatMap(asked -> NothingToDo.find(job, asked))
            : Optional.empty();
    if (nothing.isPresent()) {
      List<String> lines = nothing.get().lines();
      lines.forEach(console.err()::println);
      if (RunnerChecks.remote(line)
          .filter(place -> place.handOver(lines, job.options()))
          .isPresent()) {
        console
            .err()
            .println(
                "Job %s was handed over, which says so and makes nothing: a launch without a job is shown as failed"
                    .formatted(job.options().getJobName()));
      }
      return Command.DONE;
    }
    RunnerChecks.remote(line).ifPresent(place -> problems.addAll(place.prepare(job.options())));
    if (!problems.isEmpty()) {
      return refuse(problems, console);
    }
    Pipeline pipeline = Pipeline.create(job.options());
    job.addTo(pipeline, run);
    pipeline.run();
    console
        .err()
        .println(
            "Job %s was handed over as run %s; its dataset is %s"
                .formatted(job.options().getJobName(), run.runId(), job.output()));
    return Command.DONE;
  }

  private static int refuse(List<String> problems, Console console) {
    problems.stream().distinct().forEach(console.err()::println);
    console.err().println("Nothing was started.");
    return Command.WRONG_COMMAND_LINE;
  }
}
