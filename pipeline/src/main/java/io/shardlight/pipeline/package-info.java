/**
 * The command line: commands, their options and help, the job put together from the transforms, and
 * what the person at the terminal sees of it. Every option is described once, by the annotations of
 * its getter; help, checks and template metadata are read from there.
 */
@NullMarked
package io.shardlight.pipeline;

import org.jspecify.annotations.NullMarked;
