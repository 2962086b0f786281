/** What the tests of terraform need to see of a run's report. */
@NullMarked
package io.shardlight.transforms;

import org.jspecify.annotations.NullMarked;
