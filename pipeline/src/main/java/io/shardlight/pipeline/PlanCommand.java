package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.transforms.SummarisePlan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.runners.direct.DirectRunner;
import org.apache.beam.sdk.Pipeline;

/** Checks a job and counts what it would do, without doing it. */
final class PlanCommand implements Command {
  private static final OptionCatalog CATALOG =
      OptionCatalog.of(
          GenerateOptions.class,
          RunnerOptions.class,
          PlanOptions.class,
          JsonOption.class,
          TerminalOptions.class);

  /** Options that Beam does not know. */
  private static final Set<String> OWN = own();

  /** Never writes, so that it has no lease. */
  private static final RunIdentity RUN = new RunIdentity("plan", RunProcess.NONE);

  private static Set<String> own() {
    Set<String> own = new HashSet<>(Set.of("json", "verbose", "help"));
    own.addAll(EstimateChoice.OPTIONS);
    return Set.copyOf(own);
  }

  @Override
  public String name() {
    return "plan";
  }

  @Override
  public String summary() {
    return "check a job and count what it would make";
  }

  @Override
  public String help() {
    return HelpText.of(
        "./shardlight plan --input=FILES --output=DIRECTORY [--name=value ...]",
        "Takes the command line of generate, checks every option, reads all prompts, and says how"
            + " many images, shards, batches and padded slots there would be, how much of it an"
            + " earlier run has made, which records cannot be used, and how large it gets; with"
            + " --imagesPerSecond and --pricePerHour also how long it takes and what it costs."
            + " --workerKind, --workers or --withinHours have workers, hours, storage operations,"
            + " bytes and price told, and --images does without prompts. Nothing is made or"
            + " written. The exit status is 1 if generate would stop at once.",
        CATALOG,
        """
        ./shardlight plan --input=prompts.txt --output=out
        ./shardlight plan --input='prompts/*.jsonl' --output=out --imagesPerPrompt=4 \\
            --imagesPerSecond=4.8 --pricePerHour=3.67
        ./shardlight plan --images=1000000 --workerKind=v5e-8 --withinHours=24
        """);
  }

  @Override
  public int run(List<String> words, Console console) {
    if (CommandLine.parse(words, CATALOG, Set.of()).isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    if (PlanOfCount.isAskedFor(words)) {
      return planOfCount(words, console);
    }
    CommandLine line = CommandLine.parse(words, CATALOG, BeamOptionNames.all());
    List<String> problems = new ArrayList<>(line.problems());
    EstimateChoice choice = EstimateChoice.of(line, problems);
    Optional<CheckedJob> checked = CheckedJob.check(line, OWN, console, problems);
    if (checked.isPresent()) {
      RunnerChecks.remote(line)
          .ifPresent(place -> problems.addAll(place.prepare(checked.get().options())));
    }
    if (checked.isEmpty() || !problems.isEmpty()) {
      return refuse(problems, console);
    }

    CheckedJob job = checked.get();
    try {
      ObjectNode plan = plan(job, line, console);
      if (!plan.has("problem")) {
        job.busy(RUN).ifPresent(problem -> plan.put("problem", problem));
      }
      PlanSummary summary =
          new PlanSummary(
              plan,
              job.output(),
              job.settings().imageFormat(),
              choice.perSecond(),
              choice.pricePerHour(),
              Optional.empty());
      if (choice.isOfWorkers()) {
        Optional<JobEstimate> estimate =
            summary
                .job(job.settings().layout(), job.settings().manifestFormats().size())
                .flatMap(made -> choice.estimate(made, problems));
        if (!problems.isEmpty()) {
          return refuse(problems, console);
        }
        summary = estimate.map(summary::with).orElse(summary);
      }
      summary.rejections().forEach(console.err()::println);
      summary.problem().ifPresent(console.err()::println);
      if (line.isSet("json")) {
        console.out().println(summary.json());
      } else {
        summary.lines().forEach(console.out()::println);
      }
      return summary.problem().isPresent() ? FAILED : DONE;
    } catch (Pipeline.PipelineExecutionException e) {
      console.err().println("The prompts cannot be read: " + Causes.explain(e));
      return FAILED;
    } catch (IOException e) {
      throw new UncheckedIOException("the plan cannot be made", e);
    }
  }

  private int planOfCount(List<String> words, Console console) {
    OptionCatalog catalog = CATALOG.withoutRequirements();
    CommandLine line = CommandLine.parse(words, catalog, Set.of());
    List<String> problems = new ArrayList<>(line.problems());
    Optional<JobEstimate> estimate = PlanOfCount.estimate(line, catalog, problems);
    if (estimate.isEmpty()) {
      return refuse(problems, console);
    }
    if (line.isSet("json")) {
      console.out().println(PlanOfCount.json(estimate.get()));
    } else {
      PlanOfCount.lines(estimate.get()).forEach(console.out()::println);
    }
    return DONE;
  }

  private static ObjectNode plan(CheckedJob job, CommandLine line, Console console)
      throws IOException {
    Path target = Files.createTempDirectory("shardlight-plan-");
    Path file = target.resolve(SummarisePlan.NAME);
    try {
      // Prompts are read here, whatever is to draw them.
      job.options().setRunner(DirectRunner.class);
      LocalRun.tune(job.options().as(DirectOptions.class), line);
      Pipeline pipeline = Pipeline.create(job.options());
      PlanImages.apply(
          pipeline,
          job.input().patterns(),
          job.output(),
          job.settings(),
          job.scope(),
          job.model().slots(),
          target.toString());
      LocalRun.run(pipeline, job.output(), line.isSet("verbose"), console);
      return new ObjectMapper().readValue(file.toFile(), ObjectNode.class);
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(target.resolve(".tmp"));
      Files.deleteIfExists(target);
    }
  }
}
