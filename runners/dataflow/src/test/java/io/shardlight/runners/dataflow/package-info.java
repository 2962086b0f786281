/** Tests of the module, and a Dataflow to ask and to submit to. */
@NullMarked
package io.shardlight.runners.dataflow;

import org.jspecify.annotations.NullMarked;
