/**
 * JAX's default random numbers, bit for bit: keys, splitting, raw bits, uniform and normal floats
 * of the threefry2x32 generator. They draw the noise of every image, on every engine.
 */
@NullMarked
package io.shardlight.diffusion.random;

import org.jspecify.annotations.NullMarked;
