package io.shardlight.transforms;

import io.shardlight.data.DatasetMode;
import io.shardlight.data.DatasetPlan;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.metrics.DistributionResult;
import org.apache.beam.sdk.metrics.MetricNameFilter;
import org.apache.beam.sdk.metrics.MetricQueryResults;
import org.apache.beam.sdk.metrics.MetricResult;
import org.apache.beam.sdk.metrics.MetricsFilter;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;

/**
 * The whole job on Beam's direct runner, as the pipeline module has it, and a look at its output.
 */
final class DatasetJob {
  /** The DirectRunner's name for the threads that run bundles. */
  private static final String WORKER = "direct-runner-worker";

  private static final Duration LONGEST_SHARD = Duration.ofMinutes(1);

  private final String input;
  private final Path output;
  private final String root;

  /** The root as the job is told it. */
  private String place;

  private final GenerationSettings settings;
  private GeneratorFactory devices = FakeDevices.withSlots(3);
  private Timepiece time = Timepiece.system();
  private int targetParallelism = 2;
  private List<String> beamOptions = List.of();
  private DatasetMode mode = DatasetMode.INCREMENTAL;
  private Optional<RunIdentity> identity = Optional.empty();
  private Optional<String> rootOfGenerators = Optional.empty();

  DatasetJob(Path input, Path output, GenerationSettings settings) {
    this.input = input.toString();
    this.output = output;
    this.root = output.toString();
    this.place = root;
    this.settings = settings;
  }

  /** A job on buckets, whose output is to be looked at there. */
  DatasetJob(String input, String root, GenerationSettings settings) {
    this.input = input;
    this.output = Path.of("no-such-directory");
    this.root = root;
    this.place = root;
    this.settings = settings;
  }

  /** Options of Beam, as on a command line. */
  DatasetJob with(List<String> arguments) {
    beamOptions = arguments;
    return this;
  }

  DatasetJob on(GeneratorFactory factory) {
    devices = factory;
    return this;
  }

  DatasetJob withMode(DatasetMode value) {
    mode = value;
    return this;
  }

  DatasetJob timedBy(Timepiece value) {
    time = value;
    return this;
  }

  /** Writes by the file system of a scheme in the place of the default one. */
  DatasetJob through(String scheme) {
    place = output.toUri().toString().replaceFirst("^file", scheme);
    return this;
  }

  /** As the run of that identity. */
  DatasetJob as(RunIdentity run) {
    identity = Optional.of(run);
    return this;
  }

  /** Stands in for workers on whose machine the output's path is another disk. */
  DatasetJob generatingIn(Path folder) {
    rootOfGenerators = Optional.of(folder.toString());
    return this;
  }

  DatasetJob withTargetParallelism(int value) {
    targetParallelism = value;
    return this;
  }

  /**
   * Runs to the end and returns the counters of {@link GenerateShards}, and how many values its
   * distributions have.
   */
  Map<String, Long> run() {
    DirectOptions options =
        PipelineOptionsFactory.fromArgs(beamOptions.toArray(new String[0])).as(DirectOptions.class);
    options.setTargetParallelism(targetParallelism);
    Pipeline pipeline = TestPipeline.fromOptions(options).enableAbandonedNodeEnforcement(false);

    PCollectionTuple read =
        pipeline.apply(ReadPrompts.from(List.of(input)).withTemplates(settings.templates()));
    PCollection<Example> examples =
        read.get(ReadPrompts.PROMPTS).apply(PlanExamples.with(settings));
    RunIdentity run =
        identity.orElseGet(() -> new RunIdentity("run-" + UUID.randomUUID(), RunProcess.current()));
    RunScope scope = scope(options);
    PCollectionTuple assigned = examples.apply(AssignShards.with(settings, place, run, scope));
    PCollection<ShardReport> reports =
        assigned
            .get(AssignShards.SHARDS)
            .apply(ClaimOutput.with(settings, place, run, scope))
            .apply(
                GenerateShards.with(devices, settings, rootOfGenerators.orElse(place), run, scope)
                    .timedBy(time));
    PCollectionTuple.of(FinishDataset.EXAMPLES, examples)
        .and(FinishDataset.REJECTIONS, read.get(ReadPrompts.REJECTIONS))
        .and(FinishDataset.PRESENT, assigned.get(AssignShards.PRESENT))
        .and(FinishDataset.REPORTS, reports)
        .apply(FinishDataset.with(settings, place, run, scope));

    Set<Thread> others = Thread.getAllStackTraces().keySet();
    PipelineResult result;
    try {
      result = pipeline.run();
      result.waitUntilFinish();
    } catch (RuntimeException e) {
      awaitWorkers(others);
      throw e;
    } finally {
      release(run, options);
    }
    Map<String, Long> counters = new HashMap<>();
    MetricQueryResults metrics =
        result
            .metrics()
            .queryMetrics(
                MetricsFilter.builder()
                    .addNameFilter(MetricNameFilter.inNamespace(GenerateShards.class))
                    .build());
    for (MetricResult<Long> counter : metrics.getCounters()) {
      counters.merge(counter.getName().getName(), counter.getAttempted(), Long::sum);
    }
    for (MetricResult<DistributionResult> values : metrics.getDistributions()) {
      counters.merge(values.getName().getName(), values.getAttempted().getCount(), Long::sum);
    }
    return counters;
  }

  /**
   * Waits for shards that were under way when another one failed the job: the DirectRunner lets
   * their threads come to an end by themselves, which write meanwhile.
   */
  private static void awaitWorkers(Set<Thread> others) {
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals(WORKER) && !others.contains(thread)) {
        try {
          thread.join(LONGEST_SHARD.toMillis());
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  /** As the command finds it. */
  private RunScope scope(PipelineOptions options) {
    try {
      ObjectStore store = ObjectStore.open(place, options);
      RunScope scope = RunScope.of(mode, store);
      if (mode != DatasetMode.INCREMENTAL) {
        DatasetPlan.problem(store, settings, scope)
            .ifPresent(
                problem -> {
                  throw new IllegalStateException(problem);
                });
      }
      return scope;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As the command does when a job has failed. */
  private void release(RunIdentity run, PipelineOptions options) {
    try {
      new RunLease(ObjectStore.open(root, options), run).release();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All files but those of runs, by name. */
  Map<String, byte[]> files() throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    if (!Files.exists(output)) {
      return files;
    }
    try (Stream<Path> paths = Files.walk(output)) {
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        String name = output.relativize(path).toString();
        if (!name.startsWith("runs/")) {
          files.put(name, Files.readAllBytes(path));
        }
      }
    }
    return files;
  }

  /** All rows, in order of shards. */
  List<GenericRecord> rows() throws IOException {
    List<GenericRecord> rows = new ArrayList<>();
    files()
        .forEach(
            (name, bytes) -> {
              if (name.startsWith("manifest/")
                  && name.endsWith(settings.manifestFormats().get(0).optionName())) {
                try {
                  ManifestFile.read(name, bytes, rows::add);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              }
            });
    return rows;
  }
}
