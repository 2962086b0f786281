package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.DatasetPlan;
import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.PlanDigest;
import io.shardlight.data.Rejection;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShapePlan;
import io.shardlight.data.ShardKey;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import org.apache.beam.sdk.transforms.Count;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.DoFn;
import org.apache.beam.sdk.transforms.PTransform;
import org.apache.beam.sdk.transforms.ParDo;
import org.apache.beam.sdk.transforms.Sum;
import org.apache.beam.sdk.transforms.Top;
import org.apache.beam.sdk.transforms.View;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.beam.sdk.values.PCollectionView;
import org.apache.beam.sdk.values.TupleTag;

/**
 * Writes what a job would do as one JSON object, {@value #NAME}, to a folder of its own; the
 * dataset's output is only looked at. The object says how many images, shards, batches and padded
 * slots there are of each shape, how much an earlier run has made, which records are of no use, and
 * under {@code problem} why the job would stop at once. The output is the object's text.
 */
public final class SummarisePlan extends PTransform<PCollectionTuple, PCollection<String>> {
  /** All examples to make with their shards, duplicates included. */
  public static final TupleTag<KV<ShardKey, Example>> EXAMPLES = AssignShards.SHARDS;

  /** Numbers of examples that are left as they are. */
  public static final TupleTag<Long> PRESENT = AssignShards.PRESENT;

  /** All records rejected. */
  public static final TupleTag<Rejection> REJECTIONS = new TupleTag<>("rejections") {};

  /** The object's name. */
  public static final String NAME = "plan.json";

  /** Rejected records that are named, the first ones. */
  private static final int NAMED_REJECTIONS = 10;

  private final GenerationSettings settings;
  private final String output;
  private final RunScope scope;
  private final int slots;
  private final String target;

  private SummarisePlan(
      GenerationSettings settings, String output, RunScope scope, int slots, String target) {
    this.settings = settings;
    this.output = output;
    this.scope = scope;
    this.slots = slots;
    this.target = target;
  }

  /**
   * @param output root of the dataset that the job would make
   * @param slots images of one call of the generator, at least 1
   * @param target folder to write to
   */
  public static SummarisePlan of(
      GenerationSettings settings, String output, RunScope scope, int slots, String target) {
    return new SummarisePlan(settings, output, scope, slots, target);
  }

  @Override
  public PCollection<String> expand(PCollectionTuple input) {
    PCollection<KV<ShardKey, Example>> examples = input.get(EXAMPLES);
    PCollectionView<List<ShapePlan>> shapes =
        examples
            .apply("CountBatches", CountBatches.with(slots, output, scope))
            .apply("Shapes", View.asList());
    PCollectionView<PlanDigest> digest =
        examples.apply("Digest", DigestExamples.create()).apply("Examples", View.asSingleton());
    PCollectionView<Long> present =
        input
            .get(PRESENT)
            .apply("CountPresent", Sum.longsGlobally())
            .apply("Present", View.asSingleton());
    PCollectionView<Long> rejected =
        input
            .get(REJECTIONS)
            .apply("CountRejections", Count.globally())
            .apply("Rejected", View.asSingleton());
    PCollectionView<List<Rejection>> first =
        input
            .get(REJECTIONS)
            .apply("First", Top.of(NAMED_REJECTIONS, new LastFirst()))
            .apply("FirstRejections", View.asSingleton());
    return input
        .getPipeline()
        .apply("Once", Create.of(NAME))
        .apply(
            "Write",
            ParDo.of(new WriteFn(this, shapes, digest, present, rejected, first))
                .withSideInputs(shapes, digest, present, rejected, first));
  }

  /** What comes first in the files is the greatest. */
  private static final class LastFirst implements Comparator<Rejection>, Serializable {
    @Override
    public int compare(Rejection a, Rejection b) {
      int bySource = b.source().compareTo(a.source());
      return bySource != 0 ? bySource : b.reason().compareTo(a.reason());
    }
  }

  private static final class WriteFn extends DoFn<String, String> {
    private final GenerationSettings settings;
    private final String output;
    private final RunScope scope;
    private final int slots;
    private final String target;
    private final PCollectionView<List<ShapePlan>> shapes;
    private final PCollectionView<PlanDigest> digest;
    private final PCollectionView<Long> present;
    private final PCollectionView<Long> rejected;
    private final PCollectionView<List<Rejection>> first;

    WriteFn(
        SummarisePlan transform,
        PCollectionView<List<ShapePlan>> shapes,
        PCollectionView<PlanDigest> digest,
        PCollectionView<Long> present,
        PCollectionView<Long> rejected,
        PCollectionView<List<Rejection>> first) {
      this.settings = transform.settings;
      this.output = transform.output;
      this.scope = transform.scope;
      this.slots = transform.slots;
      this.target = transform.target;
      this.shapes = shapes;
      this.digest = digest;
      this.present = present;
      this.rejected = rejected;
      this.first = first;
    }

    @ProcessElement
    public void write(ProcessContext context) throws IOException {
      ObjectNode json = JsonNodeFactory.instance.objectNode();
      PlanDigest examples = context.sideInput(digest);
      DatasetPlan.problem(
              ObjectStore.open(output, context.getPipelineOptions()), settings, examples, scope)
          .ifPresent(problem -> json.put("problem", problem));
      json.put("asked", examples.examples() + context.sideInput(present));
      json.put("left_alone", context.sideInput(present));
      json.put("slots", slots);
      json.put("rejected", context.sideInput(rejected));
      ArrayNode rejections = json.putArray("first_rejections");
      for (Rejection rejection : context.sideInput(first)) {
        rejections
            .addObject()
            .put("source", rejection.source().toString())
            .put("reason", rejection.reason());
      }
      ArrayNode array = json.putArray("shapes");
      context.sideInput(shapes).stream()
          .sorted(Comparator.comparing(ShapePlan::shape))
          .forEachOrdered(shape -> put(array.addObject(), shape));
      String text = CanonicalJson.write(json);
      ObjectStore.open(target).createOrAdopt(NAME, text.getBytes(StandardCharsets.UTF_8));
      context.output(text);
    }

    private static void put(ObjectNode json, ShapePlan plan) {
      json.put("width", plan.shape().widthPixels());
      json.put("height", plan.shape().heightPixels());
      json.put("scheduler", plan.shape().scheduler().optionName());
      json.put("steps", plan.shape().steps());
      json.put("guided", plan.shape().guided());
      json.put("images", plan.images());
      json.put("duplicates", plan.duplicates());
      json.put("shards", plan.shards());
      json.put("already_present", plan.presentImages());
      json.put("shards_already_present", plan.presentShards());
      json.put("bytes_already_present", plan.presentBytes());
      json.put("batches", plan.batches());
      json.put("padded_slots", plan.paddedSlots());
    }
  }
}
