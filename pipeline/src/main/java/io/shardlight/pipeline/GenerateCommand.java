package io.shardlight.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/** Makes a dataset of images from prompt files. */
final class GenerateCommand implements Command {
  static final OptionCatalog CATALOG =
      OptionCatalog.of(
          GenerateOptions.class, RunnerOptions.class, JsonOption.class, TerminalOptions.class);

  /** Options of the terminal, which Beam does not know. */
  private static final Set<String> TERMINAL = Set.of("json", "verbose", "help");

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
    if (words.contains("--help") || words.contains("-h")) {
      console.out().print(help());
      return DONE;
    }
    CommandLine line = CommandLine.parse(words, CATALOG, BeamOptionNames.all());
    List<String> problems = new ArrayList<>(line.problems());
    line.usable("input").map(FileChecks::input).ifPresent(problems::addAll);
    line.usable("output").flatMap(FileChecks::output).ifPresent(problems::add);
    if (!problems.isEmpty()) {
      return refuse(problems, console);
    }
    GenerateOptions options =
        PipelineOptionsFactory.fromArgs(line.toArguments(TERMINAL).toArray(new String[0]))
            .as(GenerateOptions.class);
    console.err().println(options);
    return DONE;
  }
}
