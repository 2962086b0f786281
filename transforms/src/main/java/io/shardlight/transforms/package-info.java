/**
 * The pipeline's stages, from prompt files to a finished dataset:
 *
 * <pre>{@code
 * PCollectionTuple read = pipeline.apply(ReadPrompts.from(patterns));
 * PCollection<Example> examples =
 *     read.get(ReadPrompts.PROMPTS).apply(PlanExamples.with(settings));
 * PCollection<ShardReport> reports =
 *     examples
 *         .apply(PlanShards.ofSize(settings.shardSize()))
 *         .apply(ClaimOutput.with(settings, output))
 *         .apply(GenerateShards.with(generatorFactory, settings, output));
 * PCollectionTuple.of(FinishDataset.EXAMPLES, examples)
 *     .and(FinishDataset.REJECTIONS, read.get(ReadPrompts.REJECTIONS))
 *     .and(FinishDataset.REPORTS, reports)
 *     .apply(FinishDataset.with(settings, output, runId));
 * }</pre>
 *
 * All are for bounded input in the global window. Image bytes never cross a shuffle.
 */
@NullMarked
package io.shardlight.transforms;

import org.jspecify.annotations.NullMarked;
