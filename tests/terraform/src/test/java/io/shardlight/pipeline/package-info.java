/** What the tests of terraform need to see of the commands. */
@NullMarked
package io.shardlight.pipeline;

import org.jspecify.annotations.NullMarked;
