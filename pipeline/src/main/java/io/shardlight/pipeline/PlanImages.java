package io.shardlight.pipeline;

import io.shardlight.data.GenerationSettings;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunProcess;
import io.shardlight.data.RunScope;
import io.shardlight.transforms.AssignShards;
import io.shardlight.transforms.PlanExamples;
import io.shardlight.transforms.ReadPrompts;
import io.shardlight.transforms.SummarisePlan;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;

/** {@link GenerateImages} up to its shards, which are counted instead of made. */
final class PlanImages {
  /** It only looks, and holds no lease. */
  private static final RunIdentity NO_RUN = new RunIdentity("plan", RunProcess.NONE);

  private PlanImages() {}

  /**
   * Adds it to a pipeline.
   *
   * @param output root of the dataset, only looked at
   * @param scope which part of the dataset it would make
   * @param slots images of one call
   * @param target folder where the plan is written
   * @return the plan, once it is written
   */
  static PCollection<String> apply(
      Pipeline pipeline,
      List<String> input,
      String output,
      GenerationSettings settings,
      RunScope scope,
      int slots,
      String target) {
    PCollectionTuple records =
        pipeline.apply("ReadPrompts", ReadPrompts.from(input).withTemplates(settings.templates()));

    PCollectionTuple shards =
        records
            .get(ReadPrompts.PROMPTS)
            .apply("PlanExamples", PlanExamples.with(settings))
            .apply("AssignShards", AssignShards.with(settings, output, NO_RUN, scope));

    return shards
        .and(SummarisePlan.REJECTIONS, records.get(ReadPrompts.REJECTIONS))
        .apply("SummarisePlan", SummarisePlan.of(settings, output, scope, slots, target));
  }
}
