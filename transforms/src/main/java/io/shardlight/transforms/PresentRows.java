package io.shardlight.transforms;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardFacts;
import java.io.IOException;
import org.apache.beam.sdk.coders.BooleanCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.StringUtf8Coder;
import org.apache.beam.sdk.coders.VarIntCoder;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Reshuffle;
import org.apache.beam.sdk.transforms.WithKeys;
import org.apache.beam.sdk.transforms.join.CoGbkResult;
import org.apache.beam.sdk.transforms.join.CoGroupByKey;
import org.apache.beam.sdk.transforms.join.KeyedPCollectionTuple;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TypeDescriptors;

/**
 * Finds for each example what the dataset has of it: by id, the examples asked for beside the rows
 * of the manifests. Reads the manifests of all shards that are not of this run's own part.
 */
final class PresentRows
    extends PTransform<PCollection<Example>, PCollection<KV<String, CoGbkResult>>> {
  /** Examples asked for. */
  static final TupleTag<Example> EXAMPLES = new TupleTag<>("examples") {};

  /** The shard that has the example, and whether its row says failed; at most one. */
  static final TupleTag<KV<Integer, Boolean>> ROWS = new TupleTag<>("rows") {};

  private final String output;
  private final RunIdentity run;
  private final RunScope scope;

  private PresentRows(String output, RunIdentity run, RunScope scope) {
    this.output = output;
    this.run = run;
    this.scope = scope;
  }

  static PresentRows of(String output, RunIdentity run, RunScope scope) {
    return new PresentRows(output, run, scope);
  }

  @Override
  public PCollection<KV<String, CoGbkResult>> expand(PCollection<Example> examples) {
    PCollection<KV<String, KV<Integer, Boolean>>> rows =
        examples
            .getPipeline()
            .apply("Once", Create.of(output))
            .apply("ListShards", ParDo.of(new ListFn(run, scope)))
            .apply("Spread", Reshuffle.viaRandomKey())
            .apply("ReadManifests", ParDo.of(new ReadFn(output, run)))
            .setCoder(
                KvCoder.of(StringUtf8Coder.of(), KvCoder.of(VarIntCoder.of(), BooleanCoder.of())));
    PCollection<KV<String, Example>> asked =
        examples
            .apply("ById", WithKeys.of(Example::id).withKeyType(TypeDescriptors.strings()))
            .setCoder(KvCoder.of(StringUtf8Coder.of(), ExampleCoder.of()));
    return KeyedPCollectionTuple.of(EXAMPLES, asked)
        .and(ROWS, rows)
        .apply("Join", CoGroupByKey.create());
  }

  /** Markers as text, which have a coder. */
  private static final class ListFn extends DoFn<String, String> {
    private final RunIdentity run;
    private final RunScope scope;

    ListFn(RunIdentity run, RunScope scope) {
      this.run = run;
      this.scope = scope;
    }

    @ProcessElement
    public void list(
        @Element String output, OutputReceiver<String> markers, PipelineOptions options)
        throws IOException {
      ObjectStore store = ObjectStore.open(output, options);
      new RunLease(store, run).requireSameStore();
      for (ShardFacts shard : CommittedShards.list(store)) {
        if (scope.retriesFailed() || shard.shard() < scope.firstShard()) {
          markers.output(shard.toJson());
        }
      }
    }
  }

  static final class ReadFn extends DoFn<String, KV<String, KV<Integer, Boolean>>> {
    private final String output;
    private final RunIdentity run;
    private transient ObjectStore store;

    ReadFn(String output, RunIdentity run) {
      this.output = output;
      this.run = run;
    }

    @Setup
    public void setup(PipelineOptions options) throws IOException {
      store = ObjectStore.open(output, options);
      new RunLease(store, run).requireSameStore();
    }

    @ProcessElement
    public void read(@Element String marker, OutputReceiver<KV<String, KV<Integer, Boolean>>> rows)
        throws IOException {
      ShardFacts shard = ShardFacts.fromJson(marker);
      CommittedShards.forEachRow(
          store,
          shard,
          row ->
              rows.output(
                  KV.of(
                      row.get("example_id").toString(),
                      KV.of(shard.shard(), ExampleStatus.FAILED.isOf(row)))));
    }
  }
}
