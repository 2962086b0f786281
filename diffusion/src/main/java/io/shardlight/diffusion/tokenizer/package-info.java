/**
 * CLIP's tokenizer: text cleaning as ftfy does it, then byte-pair encoding of words, ids equal to
 * those of transformers' {@code CLIPTokenizer} with ftfy installed.
 *
 * <p>Written here, not DJL's tokenizers: a {@code tokenizer.json} can express neither the cleaning
 * nor the slow tokenizer's splitting around special tokens, so that this half would be ours anyway,
 * and the byte-pair encoding that is left is small. DJL's also unpacks a native library into the
 * user's home, where a second class loader (a second job on a Flink cluster) fails to load it, and
 * registers an engine of its own.
 */
@NullMarked
package io.shardlight.diffusion.tokenizer;

import org.jspecify.annotations.NullMarked;
