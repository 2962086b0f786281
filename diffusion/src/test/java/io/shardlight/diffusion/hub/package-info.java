/** Tests of the Hub's client, over HTTP. */
@NullMarked
package io.shardlight.diffusion.hub;

import org.jspecify.annotations.NullMarked;
