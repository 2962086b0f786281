/**
 * A small tensor graph in which the networks are written once: nodes, operations, shapes inferred
 * and checked while building. Engines turn a {@link io.shardlight.diffusion.graph.Graph} into a
 * program by a {@link io.shardlight.diffusion.graph.Lowering}, and tell by a {@link
 * io.shardlight.diffusion.graph.DeviceFault} what its device does to it.
 */
@NullMarked
package io.shardlight.diffusion.graph;

import org.jspecify.annotations.NullMarked;
