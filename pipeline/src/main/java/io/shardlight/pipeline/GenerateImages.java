package io.shardlight.pipeline;

import io.shardlight.data.Example;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunScope;
import io.shardlight.data.ShardKey;
import io.shardlight.data.ShardReport;
import io.shardlight.transforms.AssignShards;
import io.shardlight.transforms.ClaimOutput;
import io.shardlight.transforms.FinishDataset;
import io.shardlight.transforms.GenerateShards;
import io.shardlight.transforms.GeneratorFactory;
import io.shardlight.transforms.PlanExamples;
import io.shardlight.transforms.ReadPrompts;
import java.util.List;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.values.KV;
import org.apache.beam.sdk.values.PCollection;
import org.apache.beam.sdk.values.PCollectionTuple;

/** The job: prompt files in, a dataset of images out. The same graph for every runner. */
final class GenerateImages {
  private GenerateImages() {}

  /**
   * Adds the whole job to a pipeline. If its options name an {@code accelerator}, in all words of a
   * resource hint, the step that draws has it.
   *
   * @param input paths or globs of prompt files
   * @param output root of the dataset
   * @param model loads the model, once per worker
   * @param scope which part of the dataset to make
   * @param run names the folder of its report, and the lease
   * @return the report's text, once the dataset is finished
   */
  static PCollection<String> apply(
      Pipeline pipeline,
      List<String> input,
      String output,
      GenerationSettings settings,
      RunScope scope,
      GeneratorFactory model,
      RunIdentity run) {
    PCollectionTuple records =
        pipeline.apply("ReadPrompts", ReadPrompts.from(input).withTemplates(settings.templates()));

    PCollection<Example> examples =
        records.get(ReadPrompts.PROMPTS).apply("PlanExamples", PlanExamples.with(settings));

    PCollectionTuple assigned =
        examples.apply("AssignShards", AssignShards.with(settings, output, run, scope));

    PCollection<KV<ShardKey, Example>> shards =
        assigned
            .get(AssignShards.SHARDS)
            .apply("ClaimOutput", ClaimOutput.with(settings, output, run, scope));

    GenerateShards generate = GenerateShards.with(model, settings, output, run, scope);
    String accelerator = pipeline.getOptions().as(GenerateOptions.class).getAccelerator();
    PCollection<ShardReport> reports =
        shards.apply(
            "GenerateShards",
            accelerator == null ? generate : generate.withAccelerator(accelerator));

    return PCollectionTuple.of(FinishDataset.EXAMPLES, examples)
        .and(FinishDataset.REJECTIONS, records.get(ReadPrompts.REJECTIONS))
        .and(FinishDataset.PRESENT, assigned.get(AssignShards.PRESENT))
        .and(FinishDataset.REPORTS, reports)
        .apply("FinishDataset", FinishDataset.with(settings, output, run, scope));
  }
}
