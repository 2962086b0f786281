/**
 * The pipeline's stages, from prompt files to a finished dataset:
 *
 * <pre>{@code
 * PCollectionTuple read = pipeline.apply(ReadPrompts.from(patterns));
 * PCollection<Example> examples =
 *     read.get(ReadPrompts.PROMPTS).apply(PlanExamples.with(settings));
 * PCollectionTuple assigned = examples.apply(AssignShards.with(settings, output, run, scope));
 * PCollection<ShardReport> reports =
 *     assigned
 *         .get(AssignShards.SHARDS)
 *         .apply(ClaimOutput.with(settings, output, run, scope))
 *         .apply(GenerateShards.with(generatorFactory, settings, output, run, scope));
 * PCollectionTuple.of(FinishDataset.EXAMPLES, examples)
 *     .and(FinishDataset.REJECTIONS, read.get(ReadPrompts.REJECTIONS))
 *     .and(FinishDataset.PRESENT, assigned.get(AssignShards.PRESENT))
 *     .and(FinishDataset.REPORTS, reports)
 *     .apply(FinishDataset.with(settings, output, run, scope));
 * }</pre>
 *
 * All are for bounded input in the global window. Image bytes never cross a shuffle.
 */
@NullMarked
package io.shardlight.transforms;

import org.jspecify.annotations.NullMarked;
