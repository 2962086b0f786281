package io.shardlight.transforms;

import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestFile;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.data.ShardReport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.avro.generic.GenericRecord;
import org.apache.beam.runners.direct.DirectOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.metrics.MetricNameFilter;
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
  private final String input;
  private final Path output;
  private final String root;
  private final GenerationSettings settings;
  private GeneratorFactory devices = FakeDevices.withSlots(3);
  private int targetParallelism = 2;
  private List<String> beamOptions = List.of();
  private RunIdentity run = new RunIdentity("run-" + UUID.randomUUID(), RunProcess.current());
  private String rootOfGenerators;

  DatasetJob(Path input, Path output, GenerationSettings settings) {
    this.input = input.toString();
    this.output = output;
    this.root = output.toString();
    this.rootOfGenerators = root;
    this.settings = settings;
  }

  /** A job on buckets, whose output is to be looked at there. */
  DatasetJob(String input, String root, GenerationSettings settings) {
    this.input = input;
    this.output = Path.of("no-such-directory");
    this.root = root;
    this.rootOfGenerators = root;
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

  /** As the run of that identity. */
  DatasetJob as(RunIdentity identity) {
    run = identity;
    return this;
  }

  /** Stands in for workers on whose machine the output's path is another disk. */
  DatasetJob generatingIn(Path folder) {
    rootOfGenerators = folder.toString();
    return this;
  }

  DatasetJob withTargetParallelism(int value) {
    targetParallelism = value;
    return this;
  }

  /** Runs to the end and returns the counters of {@link GenerateShards}. */
  Map<String, Long> run() {
    DirectOptions options =
        PipelineOptionsFactory.fromArgs(beamOptions.toArray(new String[0])).as(DirectOptions.class);
    options.setTargetParallelism(targetParallelism);
    Pipeline pipeline = TestPipeline.fromOptions(options).enableAbandonedNodeEnforcement(false);

    PCollectionTuple read =
        pipeline.apply(ReadPrompts.from(List.of(input)).withTemplates(settings.templates()));
    PCollection<Example> examples =
        read.get(ReadPrompts.PROMPTS).apply(PlanExamples.with(settings));
    PCollection<ShardReport> reports =
        examples
            .apply(PlanShards.ofSize(settings.shardSize()))
            .apply(ClaimOutput.with(settings, root, run))
            .apply(GenerateShards.with(devices, settings, rootOfGenerators, run));
    PCollectionTuple.of(FinishDataset.EXAMPLES, examples)
        .and(FinishDataset.REJECTIONS, read.get(ReadPrompts.REJECTIONS))
        .and(FinishDataset.REPORTS, reports)
        .apply(FinishDataset.with(settings, root, run));

    PipelineResult result;
    try {
      result = pipeline.run();
      result.waitUntilFinish();
    } finally {
      release(run, options);
    }
    Map<String, Long> counters = new HashMap<>();
    for (MetricResult<Long> counter :
        result
            .metrics()
            .queryMetrics(
                MetricsFilter.builder()
                    .addNameFilter(MetricNameFilter.inNamespace(GenerateShards.class))
                    .build())
            .getCounters()) {
      counters.merge(counter.getName().getName(), counter.getAttempted(), Long::sum);
    }
    return counters;
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
