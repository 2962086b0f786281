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
  private static final Set<String> OWN =
      Set.of("imagesPerSecond", "pricePerHour", "json", "verbose", "help");

  /** Never writes, so that it has no lease. */
  private static final RunIdentity RUN = new RunIdentity("plan", RunProcess.NONE);

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
            + " Nothing is made or written. The exit status is 1 if generate would stop at once.",
        CATALOG,
        """
        ./shardlight plan --input=prompts.txt --output=out
        ./shardlight plan --input='prompts/*.jsonl' --output=out --imagesPerPrompt=4 \\
            --imagesPerSecond=4.8 --pricePerHour=3.67
        """);
  }

  @Override
  public int run(List<String> words, Console console) {
    if (CommandLine.parse(words, CATALOG, Set.of()).isSet("help")) {
      console.out().print(help());
      return DONE;
    }
    CommandLine line = CommandLine.parse(words, CATALOG, BeamOptionNames.all());
    List<String> problems = new ArrayList<>(line.problems());
    Optional<Double> imagesPerSecond = line.usable("imagesPerSecond").map(Double::valueOf);
    Optional<Double> pricePerHour = line.usable("pricePerHour").map(Double::valueOf);
    if (line.isGiven("pricePerHour") && !line.isGiven("imagesPerSecond")) {
      problems.add(
          "--pricePerHour="
              + line.value("pricePerHour").orElse("")
              + ": tells the cost with --imagesPerSecond only; add that");
    }
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
              plan, job.output(), job.settings().imageFormat(), imagesPerSecond, pricePerHour);
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
          FileChecks.patterns(job.options().getInput()),
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
