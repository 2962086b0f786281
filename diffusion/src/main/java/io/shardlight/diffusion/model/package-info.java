/**
 * The networks of Stable Diffusion 1.x and 2.x, each written once in the order of the paper: what
 * its {@code config.json} may say, its graph for given sizes, and the PyTorch names of its weights.
 */
@NullMarked
package io.shardlight.diffusion.model;

import org.jspecify.annotations.NullMarked;
