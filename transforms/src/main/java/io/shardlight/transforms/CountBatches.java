package io.shardlight.transforms;

import io.shardlight.data.BatchShape;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.Example;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShapePlan;
import io.shardlight.data.ShapePlanCoder;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.ShardKey;
import java.io.IOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Combine;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.GroupByKey;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Values;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TypeDescriptor;
import org.apache.beam.sdk.values.TypeDescriptors;

/**
 * Counts what {@link GenerateShards} would do with the same shards, and does none of it: an element
 * for each shape. Only ids are shuffled. Nothing is written.
 */
public final class CountBatches
    extends PTransform<PCollection<KV<ShardKey, Example>>, PCollection<ShapePlan>> {
  private final int slots;
  private final String output;
  private final RunScope scope;

  private CountBatches(int slots, String output, RunScope scope) {
    this.slots = slots;
    this.output = output;
    this.scope = scope;
  }

  /**
   * @param slots images of one call, at least 1
   * @param output root of the dataset, whose committed shards are not made again unless the scope
   *     says so
   */
  public static CountBatches with(int slots, String output, RunScope scope) {
    if (slots < 1) {
      throw new IllegalArgumentException("slots must be at least 1, but was " + slots);
    }
    ObjectStore.requireRoot(output);
    return new CountBatches(slots, output, scope);
  }

  @Override
  public PCollection<ShapePlan> expand(PCollection<KV<ShardKey, Example>> examples) {
    return examples
        .apply(
            "Ids",
            MapElements.into(
                    TypeDescriptors.kvs(
                        TypeDescriptor.of(ShardKey.class), TypeDescriptors.strings()))
                .via(keyed -> KV.of(keyed.getKey(), keyed.getValue().id())))
        .apply("Gather", GroupByKey.create())
        .apply("Count", ParDo.of(new CountFn(slots, output, scope)))
        .apply(
            "Shape", WithKeys.of(ShapePlan::shape).withKeyType(TypeDescriptor.of(BatchShape.class)))
        .apply("Sum", Combine.perKey(CountBatches::sum))
        .apply("Shapes", Values.create())
        .setCoder(ShapePlanCoder.of());
  }

  private static ShapePlan sum(Iterable<ShapePlan> plans) {
    ShapePlan sum = null;
    for (ShapePlan plan : plans) {
      sum = sum == null ? plan : sum.plus(plan);
    }
    if (sum == null) {
      throw new IllegalArgumentException("plans must not be empty");
    }
    return sum;
  }

  static final class CountFn extends DoFn<KV<ShardKey, Iterable<String>>, ShapePlan> {
    private final int slots;
    private final String output;
    private final RunScope scope;
    private transient ObjectStore store;

    CountFn(int slots, String output, RunScope scope) {
      this.slots = slots;
      this.output = output;
      this.scope = scope;
    }

    @Setup
    public void setup(PipelineOptions options) throws IOException {
      store = ObjectStore.open(output, options);
    }

    @ProcessElement
    public void count(
        @Element KV<ShardKey, Iterable<String>> shard, OutputReceiver<ShapePlan> plans)
        throws IOException {
      Set<String> ids = new HashSet<>();
      long asked = 0;
      for (String id : shard.getValue()) {
        ids.add(id);
        asked++;
      }
      Optional<ShardFacts> committed =
          scope.makesAgain()
              ? Optional.empty()
              : CommittedShards.find(store, shard.getKey().number());
      long batches = committed.isPresent() ? 0 : (ids.size() + slots - 1) / slots;
      plans.output(
          new ShapePlan(
              shard.getKey().shape(),
              ids.size(),
              asked - ids.size(),
              1,
              committed.map(ShardFacts::rows).orElse(0L),
              committed.isPresent() ? 1 : 0,
              committed.map(ShardFacts::imageBytes).orElse(0L),
              batches,
              committed.isPresent() ? 0 : batches * slots - ids.size()));
    }
  }
}
