/**
 * Tests of the PJRT client against two plugins that are compiled here: one that computes with
 * XLA:CPU on virtual devices, and one that misbehaves. The first serves other tests as well.
 */
@NullMarked
package io.shardlight.engines.pjrt.client;

import org.jspecify.annotations.NullMarked;
