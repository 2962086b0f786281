/**
 * What every lowering has to compute: operations alone and the tiny networks, with weights, inputs
 * and right results. For tests.
 */
@NullMarked
package io.shardlight.lowerings;

import org.jspecify.annotations.NullMarked;
