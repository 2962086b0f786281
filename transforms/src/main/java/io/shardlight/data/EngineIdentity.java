package io.shardlight.data;

import java.io.Serializable;

/**
 * What computes. All of it is in the fingerprint: bytes are promised equal on one engine and device
 * kind only, so images of two engines must not share a name.
 *
 * @param engine DJL's name of the engine, for example {@code OnnxRuntime}
 * @param deviceKind {@code cpu}, {@code gpu} or {@code tpu}
 * @param dtype {@code float32}, {@code bfloat16} or {@code float16}
 * @param numerics whose arithmetic is followed, {@code torch} or {@code flax}
 */
public record EngineIdentity(String engine, String deviceKind, String dtype, String numerics)
    implements Serializable {}
