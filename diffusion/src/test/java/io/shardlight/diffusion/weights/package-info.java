@NullMarked
package io.shardlight.diffusion.weights;

import org.jspecify.annotations.NullMarked;
