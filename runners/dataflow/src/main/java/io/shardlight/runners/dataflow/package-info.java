/**
 * Jobs on Google Cloud Dataflow: what a job there must be told, which accelerators and machines go
 * together, how a job is submitted and waited for. Only a process that is to submit to Dataflow has
 * this, and Beam's Dataflow runner, on its class path.
 */
@NullMarked
package io.shardlight.runners.dataflow;

import org.jspecify.annotations.NullMarked;
