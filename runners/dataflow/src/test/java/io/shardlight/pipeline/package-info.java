/** The command with jobs for Dataflow. */
@NullMarked
package io.shardlight.pipeline;

import org.jspecify.annotations.NullMarked;
