/**
 * Jobs on a Flink cluster: what it must be asked before a job is submitted, what has to be sent
 * along, and how its failures read. Only a process that is to submit to Flink has this, and Flink's
 * client, on its class path.
 */
@NullMarked
package io.shardlight.runners.flink;

import org.jspecify.annotations.NullMarked;
