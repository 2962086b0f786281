/**
 * What travels through the pipeline and what stays in the dataset: prompts, examples, shard reports
 * with their coders, the settings of a run and their fingerprint, the manifest's schema, and the
 * store that holds it all. Nothing here knows a transform.
 */
@NullMarked
package io.shardlight.data;

import org.jspecify.annotations.NullMarked;
