/** Benchmarks and checks of engine PJRT on the devices of a machine, beside its own classes. */
@NullMarked
package io.shardlight.engines.pjrt;

import org.jspecify.annotations.NullMarked;
