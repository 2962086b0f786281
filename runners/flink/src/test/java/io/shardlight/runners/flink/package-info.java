/** Tests of what a cluster is asked and told. */
@NullMarked
package io.shardlight.runners.flink;

import org.jspecify.annotations.NullMarked;
