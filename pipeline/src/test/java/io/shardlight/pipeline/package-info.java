/** What the command line promises: every message, every exit status, every line shown. */
@NullMarked
package io.shardlight.pipeline;

import org.jspecify.annotations.NullMarked;
