package io.shardlight.data;

import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * A record that can't be used.
 *
 * @param reason what was wanted and what was found, for the user's eyes
 */
@DefaultCoder(RejectionCoder.class)
public record Rejection(PromptSource source, String reason) {}
