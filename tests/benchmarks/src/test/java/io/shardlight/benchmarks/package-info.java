@NullMarked
package io.shardlight.benchmarks;

import org.jspecify.annotations.NullMarked;
