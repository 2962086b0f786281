package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetMode;
import io.shardlight.data.DatasetPlan;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ImageFormat;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import io.shardlight.data.Sha256;
import io.shardlight.data.TemplateSettings;
import io.shardlight.transforms.WildcardFiles;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.values.PCollection;

/** A job in which everything was checked that can be wrong before it starts. */
record CheckedJob(
    GenerateOptions options,
    PreparedModel model,
    GenerationSettings settings,
    RunScope scope,
    String output,
    InputFiles input) {

  /**
   * Checks options, files and model.
   *
   * @param terminal options that Beam does not know
   * @param problems gets a line for each thing that is wrong; then the result is empty
   */
  static Optional<CheckedJob> check(
      CommandLine line, Set<String> terminal, Console console, List<String> problems) {
    List<String> elsewhere = RunnerChecks.elsewhere(line, terminal);
    if (!elsewhere.isEmpty()) {
      problems.addAll(elsewhere);
      return Optional.empty();
    }
    Optional<WorkerDevices> devices = RunnerChecks.devices(line, terminal);
    BucketChecks buckets = new BucketChecks(line);
    PlaceTokens tokens = PlaceTokens.of(line, problems);
    Optional<String> input = line.usable("input").map(tokens::input);
    List<String> unreadable = input.map(v -> FileChecks.input(v, buckets)).orElse(List.of());
    problems.addAll(unreadable);
    InputFiles files = new InputFiles(input.map(FileChecks::patterns).orElse(List.of()));
    Optional<TemplateSettings> templates = templates(line, buckets, problems);
    imageQuality(line).ifPresent(problems::add);
    problems.addAll(RunnerChecks.problems(line));
    Optional<String> place =
        line.usable("output")
            // Of an input that is not there the hash cannot be told.
            .filter(v -> unreadable.isEmpty() || !v.contains(PlaceTokens.INPUT_HASH))
            .flatMap(v -> tokens.output(v, files, problems));
    place.flatMap(v -> FileChecks.output(v, buckets)).ifPresent(problems::add);
    // Last, as it may have to be fetched; what is wrong with the rest should be known before.
    line.usable("compileCache")
        .flatMap(v -> FileChecks.compileCache(v, buckets))
        .ifPresent(problems::add);
    Optional<PreparedModel> model =
        PreparedModel.prepare(line, devices, buckets, console, problems);
    Optional<GenerateOptions> options = read(line, terminal, problems);
    if (!problems.isEmpty() || model.isEmpty() || options.isEmpty() || templates.isEmpty()) {
      return Optional.empty();
    }
    options.get().setInput(input.orElseThrow());
    options.get().setOutput(place.orElseThrow());
    String output = FileChecks.root(options.get().getOutput());
    GenerationSettings settings = GenerateSettings.of(options.get(), model.get(), templates.get());
    return scope(output, options.get(), settings, problems)
        .map(scope -> new CheckedJob(options.get(), model.get(), settings, scope, output, files));
  }

  /**
   * Hash of all that decides about what the dataset comes to hold: prompts, by their files, and
   * settings. Of two jobs with one hash, the second finds nothing to do.
   */
  String request() throws IOException {
    ObjectNode request = settings.toJson();
    request.put("input_sha256", input.sha256());
    request.put("max_failure_ratio", settings.maxFailureRatio());
    return Sha256.hex(CanonicalJson.write(request));
  }

  /** Adds the whole job to a pipeline that was made with {@link #options}. */
  PCollection<String> addTo(Pipeline pipeline, RunIdentity run) {
    return GenerateImages.apply(
        pipeline, input.patterns(), output, settings, scope, model.loader(), run);
  }

  /** Which other run is writing the output now; empty if none is. */
  Optional<String> busy(RunIdentity run) {
    String option = "--output=" + output + ": ";
    try {
      return new RunLease(ObjectStore.open(output, options), run)
          .problem()
          .map(problem -> option + problem);
    } catch (IOException e) {
      return Optional.of(option + Causes.line(e));
    }
  }

  /** A quality that nothing asks for is most likely meant for another format. */
  private static Optional<String> imageQuality(CommandLine line) {
    boolean lossy =
        line.usable("imageFormat")
            .map(name -> ImageFormat.fromOption(name).isLossy())
            .orElse(false);
    return line.usable("imageQuality")
        .filter(value -> !lossy)
        .map(
            value ->
                "--imageQuality="
                    + value
                    + ": png keeps every pixel; leave it out, or add --imageFormat=jpeg or webp");
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

  /**
   * What of the dataset is to be made; empty if the output belongs to other settings, or to
   * somebody else.
   */
  private static Optional<RunScope> scope(
      String output, GenerateOptions options, GenerationSettings settings, List<String> problems) {
    String option = "--output=" + output + ": ";
    try {
      ObjectStore store = ObjectStore.open(output, options);
      RunScope scope = RunScope.of(DatasetMode.fromOption(options.getMode()), store);
      Optional<String> problem =
          DatasetPlan.problem(store, settings, scope).or(() -> FileChecks.foreign(store));
      problem.ifPresent(text -> problems.add(option + text));
      return problem.isPresent() ? Optional.empty() : Optional.of(scope);
    } catch (IOException | RuntimeException e) {
      // Whatever a damaged plan throws is one problem among the others.
      problems.add(option + Causes.line(e));
      return Optional.empty();
    }
  }

  private static Optional<GenerateOptions> read(
      CommandLine line, Set<String> terminal, List<String> problems) {
    if (!problems.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          PipelineOptionsFactory.fromArgs(line.toArguments(terminal).toArray(new String[0]))
              .as(GenerateOptions.class));
    } catch (IllegalArgumentException e) {
      // Beam's own options are checked by Beam.
      problems.add(Causes.line(e));
      return Optional.empty();
    }
  }
}
