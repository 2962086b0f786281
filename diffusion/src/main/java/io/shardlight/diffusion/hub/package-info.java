/**
 * Models from the Hugging Face Hub, over its HTTP interface and into the cache that Python's
 * huggingface_hub keeps, so that each finds what the other fetched. Tokens stay within {@link
 * io.shardlight.diffusion.hub.AccessToken}.
 */
@NullMarked
package io.shardlight.diffusion.hub;

import org.jspecify.annotations.NullMarked;
