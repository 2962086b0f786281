package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.DatasetPlan;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.TemplateSettings;
import io.shardlight.transforms.WildcardFiles;
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
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** Makes a dataset of images from prompt files. */
final class GenerateCommand implements Command {
  static final OptionCatalog CATALOG =
      OptionCatalog.of(
          GenerateOptions.class, RunnerOptions.class, JsonOption.class, TerminalOptions.class);

  /** Options of the terminal, which Beam does not know. */
  private static final Set<String> TERMINAL = Set.of("json", "verbose", "help");

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
    BucketChecks buckets = new BucketChecks(line);
    line.usable("input").map(v -> FileChecks.input(v, buckets)).ifPresent(problems::addAll);
    Optional<TemplateSettings> templates = templates(line, buckets, problems);
    line.usable("output").flatMap(v -> FileChecks.output(v, buckets)).ifPresent(problems::add);
    Optional<PreparedModel> model = PreparedModel.prepare(line, console, problems);
    Optional<GenerateOptions> options = read(line, problems);
    if (!problems.isEmpty() || model.isEmpty() || options.isEmpty() || templates.isEmpty()) {
      return refuse(problems, console);
    }
    String output = FileChecks.root(options.get().getOutput());
    GenerationSettings settings = GenerateSettings.of(options.get(), model.get(), templates.get());
    otherDataset(output, options.get(), settings).ifPresent(problems::add);
    if (!problems.isEmpty()) {
      return refuse(problems, console);
    }

    // 2. The job.
    String runId =
        RUN_ID.format(Instant.now()) + "-" + UUID.randomUUID().toString().substring(0, 4);
    LocalRun.tune(options.get().as(DirectOptions.class), line);
    Pipeline pipeline = Pipeline.create(options.get());
    GenerateImages.apply(
        pipeline,
        FileChecks.patterns(options.get().getInput()),
        output,
        settings,
        model.get().loader(),
        runId);
    try {
      LocalRun.run(pipeline, output, line.isSet("verbose"), console);
    } catch (Pipeline.PipelineExecutionException e) {
      console.err().println("The job failed: " + Causes.explain(e));
      if (Buckets.isIn(output) || Files.exists(Path.of(output))) {
        console.err().println("What was finished stays in " + output);
      }
      if (line.isSet("verbose")) {
        e.printStackTrace(console.err());
      }
      return FAILED;
    }

    // 3. What became of it.
    RunSummary summary =
        RunSummary.read(
            ObjectStore.open(output, options.get()),
            runId,
            Duration.ofNanos(System.nanoTime() - start));
    if (line.isSet("json")) {
      console.out().println(summary.json());
    } else {
      summary.lines().forEach(console.out()::println);
    }
    return DONE;
  }

  /**
   * Whether prompts are templates, with the wildcard files as they are now; empty if not usable.
   */
  private static Optional<TemplateSettings> templates(
      CommandLine line, BucketChecks buckets, List<String> problems) {
    boolean expand = line.usable("expandTemplates").filter("true"::equalsIgnoreCase).isPresent();
    Optional<String> folder = line.usable("wildcards");
    if (!expand) {
      folder.ifPresent(
          value ->
              problems.add(
                  "--wildcards=" + value + ": read with --expandTemplates=true only; add that"));
      return Optional.of(TemplateSettings.OFF);
    }
    Optional<String> problem = folder.flatMap(v -> FileChecks.wildcards(v, buckets));
    if (problem.isPresent()) {
      problems.add(problem.get());
      return Optional.empty();
    }
    try {
      return Optional.of(WildcardFiles.describe(folder.map(FileChecks::root).orElse("")));
    } catch (IOException e) {
      problems.add("--wildcards=" + folder.orElse("") + ": " + Causes.line(e));
      return Optional.empty();
    }
  }

  /** Whether the output already belongs to other settings, or to somebody else. */
  private static Optional<String> otherDataset(
      String output, PipelineOptions options, GenerationSettings settings) {
    String option = "--output=" + output + ": ";
    try {
      ObjectStore store = ObjectStore.open(output, options);
      return DatasetPlan.problem(store, settings)
          .or(() -> FileChecks.foreign(store))
          .map(problem -> option + problem);
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged plan throws is one problem among the others.
      return Optional.of(option + Causes.line(e));
    }
  }

  private static Optional<GenerateOptions> read(CommandLine line, List<String> problems) {
    if (!problems.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          PipelineOptionsFactory.fromArgs(line.toArguments(TERMINAL).toArray(new String[0]))
              .as(GenerateOptions.class));
    } catch (IllegalArgumentException e) {
      // Beam's own options are checked by Beam.
      problems.add(Causes.line(e));
      return Optional.empty();
    }
  }
}
