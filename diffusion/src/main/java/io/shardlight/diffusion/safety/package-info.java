/**
 * Stable Diffusion's safety checker around its network: images made ready for CLIP as Pillow and
 * transformers do it, byte for byte, and cosines held against the thresholds of concepts.
 */
@NullMarked
package io.shardlight.diffusion.safety;

import org.jspecify.annotations.NullMarked;
