@NullMarked
package io.shardlight.diffusion.safety;

import org.jspecify.annotations.NullMarked;
