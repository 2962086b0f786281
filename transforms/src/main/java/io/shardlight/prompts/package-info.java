/**
 * Prompt files, whatever format they have: how each is cut into records, and how a record becomes a
 * {@link io.shardlight.data.Prompt}. Nothing here knows Beam; whoever reads a file opens it.
 */
@NullMarked
package io.shardlight.prompts;

import org.jspecify.annotations.NullMarked;
