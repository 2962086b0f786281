/**
 * Text to image with Stable Diffusion on one or many devices: {@link
 * io.shardlight.diffusion.TextToImage} is the door, requests go in and pictures come out. The
 * networks, schedulers, tokenizer and weights live in the packages below.
 */
@NullMarked
package io.shardlight.diffusion;

import org.jspecify.annotations.NullMarked;
