package io.shardlight.transforms;

import io.shardlight.data.DatasetMode;
import io.shardlight.data.Example;
import io.shardlight.data.ExampleCoder;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardKeyCoder;
import org.apache.beam.sdk.coders.KvCoder;
import org.apache.beam.sdk.coders.VarLongCoder;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.join.CoGbkResult;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.TupleTag;
import org.apache.beam.sdk.values.TupleTagList;

/**
 * Gives each example that is to be made its shard, and counts those that the dataset holds and that
 * stay as they are. By {@link DatasetMode}:
 *
 * <ul>
 *   <li>of a dataset's first part, all examples are planned by {@link PlanShards}; what is there is
 *       found shard by shard later;
 *   <li>of a part that is added, those which no earlier part holds, in shards of their own;
 *   <li>of failed ones, those whose row says so, in the shards that have the rows. An example
 *       without row fails the job, as it is not the dataset's.
 * </ul>
 */
public final class AssignShards extends PTransform<PCollection<Example>, PCollectionTuple> {
  /** Examples to make, with their shards. */
  public static final TupleTag<KV<ShardKey, Example>> SHARDS = new TupleTag<>("shards") {};

  /** Numbers of examples that are not to be made, of which the sum counts. */
  public static final TupleTag<Long> PRESENT = new TupleTag<>("present") {};

  private final GenerationSettings settings;
  private final String output;
  private final RunIdentity run;
  private final RunScope scope;

  private AssignShards(
      GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    this.settings = settings;
    this.output = output;
    this.run = run;
    this.scope = scope;
  }

  /**
   * @param output root of the dataset, as {@link ObjectStore#requireRoot} takes it
   */
  public static AssignShards with(
      GenerationSettings settings, String output, RunIdentity run, RunScope scope) {
    ObjectStore.requireRoot(output);
    return new AssignShards(settings, output, run, scope);
  }

  @Override
  public PCollectionTuple expand(PCollection<Example> examples) {
    PlanShards plan = PlanShards.ofSize(settings.shardSize()).withFirstNumber(scope.firstShard());
    if (scope.retriesFailed()) {
      PCollectionTuple found =
          examples
              .apply("PresentRows", PresentRows.of(output, run, scope))
              .apply(
                  "KeepFailed",
                  ParDo.of(new KeepFailedFn(output))
                      .withOutputTags(SHARDS, TupleTagList.of(PRESENT)));
      found.get(SHARDS).setCoder(KvCoder.of(ShardKeyCoder.of(), ExampleCoder.of()));
      return found;
    }
    if (scope.addsPart()) {
      PCollectionTuple found =
          examples
              .apply("PresentRows", PresentRows.of(output, run, scope))
              .apply(
                  "KeepMissing",
                  ParDo.of(new KeepMissingFn())
                      .withOutputTags(KeepMissingFn.MISSING, TupleTagList.of(PRESENT)));
      return PCollectionTuple.of(SHARDS, found.get(KeepMissingFn.MISSING).apply("PlanShards", plan))
          .and(PRESENT, found.get(PRESENT));
    }
    return PCollectionTuple.of(SHARDS, examples.apply("PlanShards", plan))
        .and(PRESENT, examples.getPipeline().apply("NonePresent", Create.empty(VarLongCoder.of())));
  }

  private static final class KeepMissingFn extends DoFn<KV<String, CoGbkResult>, Example> {
    static final TupleTag<Example> MISSING = new TupleTag<>("missing") {};

    @ProcessElement
    public void keep(@Element KV<String, CoGbkResult> found, MultiOutputReceiver outputs) {
      boolean present = found.getValue().getAll(PresentRows.ROWS).iterator().hasNext();
      for (Example example : found.getValue().getAll(PresentRows.EXAMPLES)) {
        if (present) {
          outputs.get(PRESENT).output(1L);
        } else {
          outputs.get(MISSING).output(example);
        }
      }
    }
  }

  private static final class KeepFailedFn
      extends DoFn<KV<String, CoGbkResult>, KV<ShardKey, Example>> {
    private final String output;

    KeepFailedFn(String output) {
      this.output = output;
    }

    @ProcessElement
    public void keep(@Element KV<String, CoGbkResult> found, MultiOutputReceiver outputs) {
      KV<Integer, Boolean> row = found.getValue().getOnly(PresentRows.ROWS, null);
      for (Example example : found.getValue().getAll(PresentRows.EXAMPLES)) {
        if (row == null) {
          throw new IllegalStateException(
              "only images of the dataset can be tried again, but prompt "
                  + example.promptId()
                  + " of "
                  + example.source()
                  + " has no row in "
                  + output
                  + "; give the prompts and settings it was made with, or add new ones with"
                  + " mode=extend");
        }
        if (row.getValue()) {
          outputs.get(SHARDS).output(KV.of(new ShardKey(row.getKey(), example.shape()), example));
        } else {
          outputs.get(PRESENT).output(1L);
        }
      }
    }
  }
}
