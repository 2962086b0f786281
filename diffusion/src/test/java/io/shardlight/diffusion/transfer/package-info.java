/** Tests of the bringing of files. */
@NullMarked
package io.shardlight.diffusion.transfer;

import org.jspecify.annotations.NullMarked;
