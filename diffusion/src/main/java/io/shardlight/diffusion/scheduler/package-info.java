/**
 * The schedulers: which timesteps the denoising loop visits and how a noise prediction moves the
 * latents. Pure float32 arithmetic in the order in which diffusers' PyTorch code rounds, a file
 * each.
 */
@NullMarked
package io.shardlight.diffusion.scheduler;

import org.jspecify.annotations.NullMarked;
