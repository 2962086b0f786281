/**
 * How fast and how large Shardlight is, and the full-size checkpoint to measure it with: Stable
 * Diffusion v1-4's architecture with weights from a formula, so that no licence and no download
 * stands before a number.
 */
@NullMarked
package io.shardlight.benchmarks;

import org.jspecify.annotations.NullMarked;
