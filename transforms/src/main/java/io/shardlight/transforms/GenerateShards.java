package io.shardlight.transforms;

import io.shardlight.data.Durations;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.LeaseKeeper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;
import org.apache.beam.sdk.metrics.Counter;
import org.apache.beam.sdk.metrics.Distribution;
import org.apache.beam.sdk.metrics.Metrics;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.resourcehints.ResourceHints;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;

/**
 * Generates, encodes and writes shards: the one step that holds state, the weights replicated to
 * the devices once per JVM and kept across bundles.
 *
 * <p>A shard is made by one thread, in batches as large as the devices take at once, of which only
 * the last may be short; images are encoded and written on other threads meanwhile. Several shards
 * may be under way in one JVM; their batches take turns on the devices.
 *
 * <p>A worker at work renews the run's {@link RunLease}.
 *
 * <p>On retry: objects are created only if absent, under names and with bytes that depend on the
 * example alone, and a shard whose commit marker exists is not generated again. If a bundle did not
 * fail, its shards are complete. A run that tries again what failed does so within the shards that
 * are there, see {@link ShardRetry}. One bad prompt costs one failed row, and so does an image that
 * its record made too large for the devices. Batches that are too large for them are made smaller,
 * and faults that may pass are tried again for a while; other faults of device, disk or code fail
 * the bundle. Devices that are lost, or have not answered for far longer than they ever took, are
 * loaded anew for the next bundle.
 *
 * <p>Metrics: counters {@code images}, {@code failed}, {@code alreadyPresent}, {@code duplicates},
 * {@code batches}, {@code paddedSlots}, {@code imageBytes}, {@code generatorLoads}, {@code
 * retries}, {@code splits}, {@code oomHalvings}, and {@code deviceMillis} and {@code workMillis},
 * of which the first in the second is how busy the devices are; distributions {@code shardMillis},
 * {@code generateMicros} (a batch), {@code encodeMicros}, {@code writeMicros} (an image), {@code
 * commitMicros} (a shard). Output: one report a shard, bounded.
 */
public final class GenerateShards
    extends PTransform<PCollection<KV<ShardKey, Example>>, PCollection<ShardReport>> {
  private final GeneratorFactory factory;
  private final GenerationSettings settings;
  private final String output;
  private final RunIdentity run;
  private final RunScope scope;
  private final Timepiece time;
  private final Optional<String> accelerator;

  private GenerateShards(
      GeneratorFactory factory,
      GenerationSettings settings,
      String output,
      RunIdentity run,
      RunScope scope,
      Timepiece time,
      Optional<String> accelerator) {
    this.factory = factory;
    this.settings = settings;
    this.output = output;
    this.run = run;
    this.scope = scope;
    this.time = time;
    this.accelerator = accelerator;
  }

  /**
   * @param factory called once per JVM and application of this transform
   * @param output root of the dataset, as {@link ObjectStore#requireRoot} takes it
   */
  public static GenerateShards with(
      GeneratorFactory factory,
      GenerationSettings settings,
      String output,
      RunIdentity run,
      RunScope scope) {
    ObjectStore.requireRoot(output);
    return new GenerateShards(
        factory, settings, output, run, scope, Timepiece.system(), Optional.empty());
  }

  /**
   * Asks the runner for accelerators on the workers of the step that draws, and for no other step.
   *
   * @param value as a resource hint has it, {@code type:nvidia-l4;count:1;install-nvidia-driver}
   */
  public GenerateShards withAccelerator(String value) {
    return new GenerateShards(factory, settings, output, run, scope, time, Optional.of(value));
  }

  /** By whose time faults are waited out and calls watched. */
  GenerateShards timedBy(Timepiece value) {
    return new GenerateShards(factory, settings, output, run, scope, value, accelerator);
  }

  @Override
  public PCollection<ShardReport> expand(PCollection<KV<ShardKey, Example>> examples) {
    ResourceHints hints =
        accelerator.map(ResourceHints.create()::withAccelerator).orElse(ResourceHints.create());
    // Not on the whole transform, of which the grouping needs no accelerators.
    return examples
        .apply("Gather", GroupByKey.create())
        .apply("Generate", ParDo.of(new GenerateFn(this)).setResourceHints(hints));
  }

  static final class GenerateFn extends DoFn<KV<ShardKey, Iterable<Example>>, ShardReport> {
    private final Counter images = Metrics.counter(GenerateShards.class, "images");
    private final Counter failed = Metrics.counter(GenerateShards.class, "failed");
    private final Counter blocked = Metrics.counter(GenerateShards.class, "blocked");
    private final Counter flagged = Metrics.counter(GenerateShards.class, "flagged");
    private final Counter present = Metrics.counter(GenerateShards.class, "alreadyPresent");
    private final Counter duplicates = Metrics.counter(GenerateShards.class, "duplicates");
    private final Counter batches = Metrics.counter(GenerateShards.class, "batches");
    private final Counter paddedSlots = Metrics.counter(GenerateShards.class, "paddedSlots");
    private final Counter imageBytes = Metrics.counter(GenerateShards.class, "imageBytes");
    private final Counter loads = Metrics.counter(GenerateShards.class, "generatorLoads");
    private final Counter retries = Metrics.counter(GenerateShards.class, "retries");
    private final Counter splits = Metrics.counter(GenerateShards.class, "splits");
    private final Counter oomHalvings = Metrics.counter(GenerateShards.class, "oomHalvings");
    private final Counter deviceMillis = Metrics.counter(GenerateShards.class, "deviceMillis");
    private final Counter workMillis = Metrics.counter(GenerateShards.class, "workMillis");
    private final Distribution shardMillis =
        Metrics.distribution(GenerateShards.class, "shardMillis");
    private final Distribution generateMicros =
        Metrics.distribution(GenerateShards.class, "generateMicros");
    private final Distribution encodeMicros =
        Metrics.distribution(GenerateShards.class, "encodeMicros");
    private final Distribution writeMicros =
        Metrics.distribution(GenerateShards.class, "writeMicros");
    private final Distribution commitMicros =
        Metrics.distribution(GenerateShards.class, "commitMicros");

    /** Equal in all copies of this function, so that those in one JVM share a generator. */
    private final String generatorId = UUID.randomUUID().toString();

    private final GeneratorFactory factory;
    private final GenerationSettings settings;
    private final String output;
    private final RunIdentity run;
    private final RunScope scope;
    private final Timepiece time;
    private transient GeneratorFactory here;
    private transient ObjectStore store;
    private transient RunLease lease;
    private transient LeaseKeeper keeper;
    private transient SharedGenerator generator;

    GenerateFn(GenerateShards transform) {
      this.factory = transform.factory;
      this.settings = transform.settings;
      this.output = transform.output;
      this.run = transform.run;
      this.scope = transform.scope;
      this.time = transform.time;
    }

    @Setup
    public void setup(PipelineOptions options) throws IOException {
      store = ObjectStore.open(output, options);
      lease = new RunLease(store, run);
      lease.requireSameStore();
      keeper = new LeaseKeeper(lease);
      here = factory.on(options);
      generator = SharedGenerator.acquire(generatorId, here, time);
    }

    @ProcessElement
    public void generate(
        @Element KV<ShardKey, Iterable<Example>> shard, OutputReceiver<ShardReport> reports)
        throws IOException, InterruptedException {
      generator = generator.orFresh(here);
      if (generator.takeLoad()) {
        loads.inc();
      }
      LeaseKeeper.Work work = keeper.begin();
      try {
        ShardGeneration generation =
            new ShardGeneration(
                generator, settings, store, LocalProgress.of(output), lease::requireHeld);
        ShardReport report =
            scope.retriesFailed()
                ? new ShardRetry(generation, settings, store)
                    .retry(shard.getKey(), shard.getValue())
                : generation.generate(shard.getKey(), shard.getValue());
        count(report);
        reports.output(report);
      } finally {
        work.close();
      }
    }

    private void count(ShardReport report) {
      if (!scope.retriesFailed()) {
        duplicates.inc(report.facts().duplicates());
      }
      if (report.alreadyPresent()) {
        present.inc(report.facts().rows());
        return;
      }
      images.inc(report.made().ok());
      failed.inc(report.made().failed());
      blocked.inc(report.made().blocked());
      flagged.inc(report.made().flagged());
      batches.inc(report.work().batches());
      paddedSlots.inc(report.work().paddedSlots());
      imageBytes.inc(report.facts().imageBytes());
      shardMillis.update(report.work().totalMillis());
      deviceMillis.inc(report.work().deviceMillis());
      workMillis.inc(report.work().workMillis());
      ShardReport.Containment containment = report.work().containment();
      retries.inc(containment.retries());
      splits.inc(containment.splits());
      oomHalvings.inc(containment.oomHalvings());
      ShardReport.Stages stages = report.work().stages();
      update(generateMicros, stages.generate());
      update(encodeMicros, stages.encode());
      update(writeMicros, stages.write());
      update(commitMicros, stages.commit());
    }

    private static void update(Distribution distribution, Durations durations) {
      durations.forEach(
          (micros, count) -> distribution.update(micros * count, count, micros, micros));
    }

    @Teardown
    public void teardown() {
      if (generator != null) {
        generator.release();
      }
    }
  }
}
