package io.shardlight.transforms;

import io.shardlight.data.Example;
import io.shardlight.data.PlanDigest;
import io.shardlight.data.PlanDigestCoder;
import io.shardlight.data.ShardKey;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.SerializableFunction;
import org.apache.beam.sdk.transforms.windowing.BoundedWindow;
import org.apache.beam.sdk.transforms.windowing.GlobalWindow;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;

/**
 * Sums up which examples a job is to make: one {@link PlanDigest}, also of none. Every bundle sums
 * for itself, so that no runner keeps a digest for each example. Bounded input in the global
 * window.
 */
final class DigestExamples
    extends PTransform<PCollection<KV<ShardKey, Example>>, PCollection<PlanDigest>> {
  private DigestExamples() {}

  static DigestExamples create() {
    return new DigestExamples();
  }

  @Override
  public PCollection<PlanDigest> expand(PCollection<KV<ShardKey, Example>> examples) {
    return examples
        .apply("DigestBundle", ParDo.of(new DigestFn()))
        .apply("Sum", Combine.globally(new SumDigests()))
        .setCoder(PlanDigestCoder.of());
  }

  /** By name, as a lambda's changes from run to run, and with it the name of the step. */
  private static final class SumDigests
      implements SerializableFunction<Iterable<PlanDigest>, PlanDigest> {
    @Override
    public PlanDigest apply(Iterable<PlanDigest> digests) {
      return PlanDigest.sum(digests);
    }
  }

  private static final class DigestFn extends DoFn<KV<ShardKey, Example>, PlanDigest> {
    private transient PlanDigest digest;

    @StartBundle
    public void start() {
      digest = PlanDigest.EMPTY;
    }

    @ProcessElement
    public void add(@Element KV<ShardKey, Example> keyed) {
      digest = digest.plus(PlanDigest.of(keyed.getValue()));
    }

    @FinishBundle
    public void finish(FinishBundleContext context) {
      context.output(digest, BoundedWindow.TIMESTAMP_MIN_VALUE, GlobalWindow.INSTANCE);
    }
  }
}
