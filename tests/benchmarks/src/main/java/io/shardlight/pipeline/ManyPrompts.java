package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.benchmarks.HeapRecord;
import io.shardlight.benchmarks.ProcessFigures;
import io.shardlight.data.BatchShape;
import io.shardlight.data.EngineIdentity;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ModelIdentity;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.data.RunScope;
import io.shardlight.data.Sampling;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardKeyCoder;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.transforms.LocalProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.util.CoderUtils;
import org.apache.beam.sdk.values.KV;

/**
 * The whole job of {@code generate} on many prompts with devices that compute nothing: what is left
 * is reading, planning, shuffling, encoding, hashing and writing. Prints one JSON object. Options
 * of Beam, {@code --runner} among them, may follow the arguments.
 */
public final class ManyPrompts {
  private static final String USAGE =
      "usage: ManyPrompts PROMPTS MILLIS_PER_BATCH FOLDER [--beamOption=value ...]";
  private static final int SLOTS = 8;
  private static final int WEIGHED = 10_000;

  private ManyPrompts() {}

  /** FOLDER must not exist; dataset and prompts are written to it, and removed at the end. */
  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println(USAGE);
      System.exit(2);
    }
    int prompts = Integer.parseInt(args[0]);
    Path folder = Files.createDirectory(Path.of(args[2]));
    try {
      String[] beam = Arrays.copyOfRange(args, 3, args.length);
      System.out.println(run(prompts, Long.parseLong(args[1]), folder, beam).toPrettyString());
    } finally {
      Folders.delete(folder);
    }
  }

  /** Writes to a folder that is there and holds nothing of the kind. */
  static ObjectNode run(int prompts, long batchMillis, Path folder, String... beam)
      throws Exception {
    Path input = folder.resolve("prompts.txt");
    PromptSupply.write(input, prompts);
    String output = folder.resolve("out").toString();

    // As generate sets them.
    PipelineOptions options = PipelineOptionsFactory.fromArgs(beam).create();
    CommandLine line =
        CommandLine.parse(List.of(beam), GenerateCommand.CATALOG, BeamOptionNames.all());
    LocalRun.tune(options.as(DirectOptions.class), line);

    Pipeline pipeline = Pipeline.create(options);
    GenerateImages.apply(
        pipeline,
        List.of(input.toString()),
        output,
        settings(),
        RunScope.INCREMENTAL,
        new NullGenerator(SLOTS, batchMillis),
        new RunIdentity("benchmark-" + UUID.randomUUID(), RunProcess.current()));
    LocalProgress.reset(output);
    ProcessFigures before = ProcessFigures.now();
    long start = System.nanoTime();
    ObjectNode report = new ObjectMapper().createObjectNode();
    try (HeapRecord heap = HeapRecord.begin()) {
      Clock clock = new Clock(output, start);
      clock.setDaemon(true);
      clock.start();
      pipeline.run().waitUntilFinish();
      double seconds = (System.nanoTime() - start) / 1e9;
      double planned = clock.plannedSeconds;
      ProcessFigures after = ProcessFigures.now();
      report.put("runner", options.getRunner().getSimpleName());
      report.put("examples", prompts);
      report.put("seconds", seconds);
      if (!Double.isNaN(planned)) {
        report.put("secondsUntilPlanned", planned);
      }
      report.put("examplesPerSecond", Math.round(prompts / seconds));
      double cpuSeconds = after.cpuSeconds() - before.cpuSeconds();
      report.put("cpuSeconds", cpuSeconds);
      report.put("cpuMicrosPerExample", Math.round(1e6 * cpuSeconds / prompts));
      report.put("peakRssMegabytes", after.peakBytes() / 1_000_000);
      report.set("heapMegabytes", heap.toJson());
    }
    report.put("shuffledBytesPerExample", shuffledBytes());
    report.put("finished", Files.exists(Path.of(output, "_SUCCESS")));
    return report;
  }

  /**
   * Notes when the prompts had all been read and planned, which a runner elsewhere does not tell.
   */
  private static final class Clock extends Thread {
    private final String output;
    private final long start;
    private volatile double plannedSeconds = Double.NaN;

    Clock(String output, long start) {
      super("benchmark-clock");
      this.output = output;
      this.start = start;
    }

    @Override
    public void run() {
      try {
        while (LocalProgress.of(output).planned() == 0) {
          Thread.sleep(20);
        }
        plannedSeconds = (System.nanoTime() - start) / 1e9;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static GenerationSettings settings() {
    return GenerationSettings.builder()
        .model(new ModelIdentity("null", "", "0".repeat(64), ""))
        .engine(new EngineIdentity("Null", "cpu", "float32", "torch"))
        .sampling(
            new Sampling(
                SchedulerKind.PNDM, 25, 2, NullGenerator.SIDE_PIXELS, NullGenerator.SIDE_PIXELS))
        .pipelineVersion(Version.text())
        .build();
  }

  /** What one example weighs on its way to its shard. */
  private static long shuffledBytes() throws IOException {
    GenerationSettings settings = settings();
    ExamplePlanner planner = new ExamplePlanner(settings);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < WEIGHED; i++) {
      PromptSource source = new PromptSource("/datasets/prompts.txt", i + 1);
      planner.plan(
          new Prompt(
              source, Prompt.defaultId(source), PromptSupply.prompt(i), Overrides.NONE, Map.of()),
          examples::add);
    }
    ShardKey key = new ShardKey(0, BatchShape.of(settings.sampling()));
    KvCoder<ShardKey, Example> coder = KvCoder.of(ShardKeyCoder.of(), ExampleCoder.of());
    long bytes = 0;
    for (Example example : examples) {
      bytes += CoderUtils.encodeToByteArray(coder, KV.of(key, example)).length;
    }
    return bytes / examples.size();
  }
}
