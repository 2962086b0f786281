/**
 * Weights where they lie: diffusers folders, safetensors and Flax msgpack files become named
 * tensors in PyTorch's names and layout. Files are checked whole before anything is allocated, and
 * values are read from mappings, never kept.
 */
@NullMarked
package io.shardlight.diffusion.weights;

import org.jspecify.annotations.NullMarked;
