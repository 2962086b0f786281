package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.Prompt;
import io.shardlight.data.Rejection;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.data.RunScope;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.prompts.PromptFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;

/**
 * How much longer the whole job of {@code generate} takes than drawing alone: the same examples,
 * with the embedded demo model loaded once, in turn by a loop over batches and by the job, from its
 * first prompt to {@code _SUCCESS}. Prints one JSON object: medians over the rounds, and of each
 * round wall and CPU seconds. The job's wall time falls into three parts, before the first batch,
 * until the last is drawn, and after it; {@code idle} is the part of the middle one in which no
 * batch was on the devices, and {@code drawingRatio} compares that one with the loop. Where other
 * programs keep the cores busy too, the ratios of CPU time say more than those of wall time.
 */
public final class WholeJob {
  private static final String USAGE =
      "usage: WholeJob PROMPTS ROUNDS|loop|job FOLDER [--option=value of generate ...]";
  private static final int WARM_UP_PROMPTS = 16;

  /** Printed when a part alone waits to begin. */
  static final String READY = "ready";

  private final Path folder;
  private final String[] options;
  private final ImageGenerator devices;

  private WholeJob(Path folder, String[] options, ImageGenerator devices) {
    this.folder = folder;
    this.options = options;
    this.devices = devices;
  }

  /**
   * FOLDER must not exist; datasets and prompts are written to it, and removed at the end. With
   * {@code loop} or {@code job} for the rounds, that part alone is done once: a line {@link #READY}
   * is printed, a line from standard input waited for, and the part's figures printed on one line.
   */
  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println(USAGE);
      System.exit(2);
    }
    int prompts = Integer.parseInt(args[0]);
    Path folder = Files.createDirectory(Path.of(args[2]));
    String[] options = Arrays.copyOfRange(args, 3, args.length);
    try {
      switch (args[1]) {
        case "loop", "job" -> part(args[1], prompts, folder, options);
        default ->
            System.out.println(
                run(prompts, Integer.parseInt(args[1]), folder, options).toPrettyString());
      }
    } finally {
      Folders.delete(folder);
    }
  }

  /** Writes to a folder that is there and holds nothing of the kind. */
  static ObjectNode run(int prompts, int rounds, Path folder, String... options) throws Exception {
    Path input = folder.resolve("warm-up.txt");
    PromptSupply.write(input, Math.min(prompts, WARM_UP_PROMPTS));
    try (ImageGenerator devices =
        check(input, folder.resolve("none"), options).model().loader().create()) {
      WholeJob benchmark = new WholeJob(folder, options, devices);
      benchmark.draw(input);
      benchmark.job(input, folder.resolve("warm-up"));
      return benchmark.run(prompts, rounds);
    }
  }

  private static void part(String part, int prompts, Path folder, String... options)
      throws Exception {
    Path warmUp = folder.resolve("warm-up.txt");
    PromptSupply.write(warmUp, Math.min(prompts, WARM_UP_PROMPTS));
    Path input = folder.resolve("prompts.txt");
    PromptSupply.write(input, prompts);
    try (ImageGenerator devices =
        check(input, folder.resolve("none"), options).model().loader().create()) {
      WholeJob benchmark = new WholeJob(folder, options, devices);
      benchmark.draw(warmUp);
      benchmark.job(warmUp, folder.resolve("warm-up"));
      System.out.println(READY);
      if (System.in.read() < 0) {
        throw new IllegalStateException("standard input ended before the word to begin");
      }
      System.out.println(
          part.equals("loop")
              ? benchmark.draw(input)
              : benchmark.job(input, folder.resolve("out")));
    }
  }

  private ObjectNode run(int prompts, int rounds) throws Exception {
    Path input = folder.resolve("prompts.txt");
    PromptSupply.write(input, prompts);
    ObjectNode report = new ObjectMapper().createObjectNode();
    report.put("prompts", prompts).put("slots", devices.slots());
    ObjectNode medians = report.putObject("medians");
    List<ObjectNode> all = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      Path output = folder.resolve("round-" + round);
      ObjectNode figures = report.withArray("rounds").addObject();
      // What the machine does besides grows or shrinks: neither is always first.
      if (round % 2 == 0) {
        figures.setAll(draw(input));
        figures.setAll(job(input, output));
      } else {
        figures.setAll(job(input, output));
        figures.setAll(draw(input));
      }
      ratio(figures, "wallRatio", "jobSeconds", "loopSeconds");
      ratio(figures, "drawingRatio", "drawingSeconds", "loopSeconds");
      ratio(figures, "cpuRatio", "jobCpuSeconds", "loopCpuSeconds");
      ratio(figures, "drawingCpuRatio", "drawingCpuSeconds", "loopCpuSeconds");
      ratio(figures, "idleRatio", "idleSeconds", "drawingSeconds");
      System.err.println("round " + round + ": " + figures);
      all.add(figures);
    }
    all.get(0).fieldNames().forEachRemaining(name -> medians.put(name, median(all, name)));
    return report;
  }

  private static void ratio(ObjectNode figures, String name, String part, String whole) {
    figures.put(name, figures.get(part).doubleValue() / figures.get(whole).doubleValue());
  }

  /** Drawing alone, in the order in which a job of one shard draws. */
  private ObjectNode draw(Path input) throws Exception {
    List<ImageRequest> requests = requests(input);
    TimedGenerator.Moment start = TimedGenerator.Moment.now();
    for (int from = 0; from < requests.size(); from += devices.slots()) {
      devices.generate(requests.subList(from, Math.min(from + devices.slots(), requests.size())));
    }
    ObjectNode figures = JsonNodeFactory.instance.objectNode();
    part(figures, "loop", start, TimedGenerator.Moment.now());
    return figures;
  }

  private List<ImageRequest> requests(Path input) throws IOException {
    ExamplePlanner planner =
        new ExamplePlanner(check(input, folder.resolve("none"), options).settings());
    List<Example> examples = new ArrayList<>();
    try (FileChannel channel = FileChannel.open(input)) {
      PromptFile.read(
          input.toString(),
          channel,
          new PromptFile.Records() {
            @Override
            public void prompt(Prompt prompt) {
              planner.plan(prompt, examples::add);
            }

            @Override
            public void rejection(Rejection rejection) {
              throw new IllegalStateException(rejection.toString());
            }
          });
    }
    return examples.stream().sorted(Example.ORDER).map(Example::request).toList();
  }

  private ObjectNode job(Path input, Path output) throws Exception {
    CheckedJob job = check(input, output, options);
    LocalRun.tune(job.options().as(DirectOptions.class), line(input, output, options));
    TimedGenerator.begin(devices);
    TimedGenerator.Moment start = TimedGenerator.Moment.now();
    Pipeline pipeline = Pipeline.create(job.options());
    GenerateImages.apply(
        pipeline,
        List.of(input.toString()),
        output.toString(),
        job.settings(),
        RunScope.INCREMENTAL,
        new TimedGenerator(),
        new RunIdentity("benchmark-" + UUID.randomUUID(), RunProcess.current()));
    pipeline.run().waitUntilFinish();
    TimedGenerator.Moment end = TimedGenerator.Moment.now();
    TimedGenerator.Calls calls = TimedGenerator.calls();
    ObjectNode figures = JsonNodeFactory.instance.objectNode();
    part(figures, "job", start, end);
    part(figures, "before", start, calls.start());
    part(figures, "drawing", calls.start(), calls.end());
    part(figures, "after", calls.end(), end);
    double drawing = figures.get("drawingSeconds").doubleValue();
    figures.put("idleSeconds", drawing - seconds(calls.busyNanos()));
    return figures;
  }

  private static void part(
      ObjectNode figures, String name, TimedGenerator.Moment start, TimedGenerator.Moment end) {
    figures.put(name + "Seconds", seconds(end.wall() - start.wall()));
    figures.put(name + "CpuSeconds", seconds(end.cpu() - start.cpu()));
  }

  private static CommandLine line(Path input, Path output, String[] options) {
    List<String> words = new ArrayList<>(List.of(options));
    words.add("--input=" + input);
    words.add("--output=" + output);
    return CommandLine.parse(words, GenerateCommand.CATALOG, BeamOptionNames.all());
  }

  private static CheckedJob check(Path input, Path output, String[] options) {
    List<String> problems = new ArrayList<>();
    Console console =
        new Console(System.in, System.err, System.err, OptionalInt.empty(), System.getenv());
    CommandLine line = line(input, output, options);
    problems.addAll(line.problems());
    return CheckedJob.check(line, Set.of("json", "verbose", "help"), console, problems)
        .orElseThrow(() -> new IllegalArgumentException(String.join("\n", problems)));
  }

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }

  private static double median(List<ObjectNode> rounds, String figure) {
    double[] sorted =
        rounds.stream().mapToDouble(round -> round.get(figure).doubleValue()).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
