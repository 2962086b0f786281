/**
 * The DJL engine "PJRT", for accelerators that are reached through the PJRT C API, TPUs and NVIDIA
 * GPUs among them, and what runs on it: graphs, and whole generations, lowered to StableHLO.
 *
 * <p>Any DJL program may use the engine: {@code models/affine.mlir} is a module in StableHLO text
 * whose function {@code main} is the program, and {@code models/affine.npz}, if it is there, holds
 * the first arguments, which stay on the device. README.md has an example.
 */
@NullMarked
package io.shardlight.engines.pjrt;

import org.jspecify.annotations.NullMarked;
