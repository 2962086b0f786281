package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;

/** Makes a dataset of images from prompt files. */
final class GenerateCommand implements Command {
  static final OptionCatalog CATALOG =
      OptionCatalog.of(
          GenerateOptions.class, RunnerOptions.class, JsonOption.class, TerminalOptions.class);

  /** Options of the terminal, which Beam does not know. */
  static final Set<String> TERMINAL = Set.of("json", "verbose", "help");

  /** Sorts by time; the rest keeps runs of one second apart. */
  private static final DateTimeFormatter RUN_ID =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  @Override
  public String name() {
    return "generate";
  }

  @Override
  public String summary() {
    return "make a dataset of images from prompt files";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight generate --input=FILES --output=DIRECTORY [--name=value ...]",
        "Draws every prompt and writes images, a manifest with a row an image, and what could not"
            + " be read under rejected/. All options are checked before anything starts. An image"
            + " depends on its prompt, seed and parameters, never on devices, batches or retries."
            + " Options are written --name=value; --name value is understood too. Progress goes to"
            + " standard error, the summary to standard output.",
        CATALOG,
        """
        ./shardlight generate --input=prompts.txt --output=out
        ./shardlight generate --input=prompts.txt --output=out \\
            --model=hf://CompVis/stable-diffusion-v1-4 \\
            --acceptLicense=creativeml-openrail-m
        ./shardlight generate --input='prompts/*.jsonl' --output=out \\
            --model=models/stable-diffusion-v1-4 --steps=20 --scheduler=ddim \\
            --imagesPerPrompt=4 --seed=7
        """);
  }

  @Override
  public int run(List<String> words, Console console) {
    // Before Beam's options are looked up, which takes longer than all of this.
    if (CommandLine.parse(words, CATALOG, Set.of()).isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    long start = System.nanoTime();
    CommandLine line = CommandLine.parse(words, CATALOG, BeamOptionNames.all());

    // 1. Everything that can be wrong, before anything starts.
    List<String> problems = new ArrayList<>(line.problems());
    Optional<CheckedJob> checked = CheckedJob.check(line, TERMINAL, console, problems);
    if (checked.isEmpty()) {
      return refuse(problems, console);
    }
    CheckedJob job = checked.get();
    String output = job.output();
    Optional<RemoteRunner> runner = RunnerChecks.remote(line);
    String runId = newRunId();
    Optional<String> request = request(job, problems);
    RunIdentity run =
        (runner.isPresent()
                ? new RunIdentity(runId, RunProcess.NONE, true)
                : new RunIdentity(runId, RunProcess.current()))
            .withRequest(request.orElse(""));
    RunLease lease = new RunLease(ObjectStore.open(output, job.options()), run);
    // Told before the prompts are read; the job itself looks again.
    job.busy(run).ifPresent(problems::add);
    // A finished set is not made twice: no runner is asked, no job submitted.
    Optional<NothingToDo> nothing =
        problems.isEmpty()
            ? request.flatMap(asked -> NothingToDo.find(job, asked))
            : Optional.empty();
    if (nothing.isPresent()) {
      tell(nothing.get(), line, start, console);
      return DONE;
    }
    runner.ifPresent(place -> problems.addAll(place.prepare(job.options())));
    if (run.leased() && problems.isEmpty()) {
      take(lease, output).ifPresent(problems::add);
    }
    if (!problems.isEmpty()) {
      return refuse(problems, console);
    }

    // 2. The job.
    Optional<RemoteRun> remote =
        runner.map(
            place -> {
              String name = line.isGiven("jobName") ? job.options().getJobName() : "shardlight";
              job.options().setJobName(name + "-" + runId);
              return new RemoteRun(place, job.options(), output, lease);
            });
    if (remote.isEmpty()) {
      LocalRun.tune(job.options().as(DirectOptions.class), line);
    }
    Pipeline pipeline = Pipeline.create(job.options());
    job.addTo(pipeline, run);
    boolean verbose = line.isSet("verbose");
    try {
      if (remote.isPresent()) {
        remote.get().run(pipeline, verbose, console);
      } else {
        LocalRun.run(pipeline, output, verbose, console);
      }
    } catch (Pipeline.PipelineExecutionException | JobFailedException e) {
      console
          .err()
          .println(
              "The job failed: "
                  + (e instanceof JobFailedException ? e.getMessage() : Causes.explain(e)));
      if (Buckets.isIn(output) || Files.exists(Path.of(output))) {
        console.err().println("What was finished stays in " + output);
      }
      if (verbose) {
        e.printStackTrace(console.err());
      }
      return FAILED;
    } finally {
      if (remote.isEmpty() || remote.get().hasEnded(console)) {
        RemoteRun.release(lease);
      }
    }

    // 3. What became of it.
    RunSummary summary =
        RunSummary.read(
            ObjectStore.open(output, job.options()),
            run.runId(),
            Duration.ofNanos(System.nanoTime() - start));
    if (line.isSet("json")) {
      console.out().println(summary.json());
    } else {
      summary.lines().forEach(console.out()::println);
    }
    return DONE;
  }

  /** What the job asks for, see {@link CheckedJob#request}; empty if the input cannot be read. */
  static Optional<String> request(CheckedJob job, List<String> problems) {
    try {
      return Optional.of(job.request());
    } catch (IOException e) {
      problems.add("--input=" + job.options().getInput() + ": " + Causes.line(e));
      return Optional.empty();
    }
  }

  private static void tell(NothingToDo nothing, CommandLine line, long start, Console console) {
    if (line.isSet("json")) {
      console.out().println(nothing.json(Duration.ofNanos(System.nanoTime() - start)));
    } else {
      nothing.lines().forEach(console.out()::println);
    }
  }

  /** Unlike those of other runs. */
  static String newRunId() {
    return RUN_ID.format(Instant.now()) + "-" + UUID.randomUUID().toString().substring(0, 4);
  }

  /** Takes the lease for workers elsewhere, or tells which other run was quicker. */
  private static Optional<String> take(RunLease lease, String output) {
    try {
      lease.take();
      return Optional.empty();
    } catch (IOException | IllegalStateException e) {
      return Optional.of("--output=" + output + ": " + Causes.line(e));
    }
  }
}
