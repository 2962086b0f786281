/**
 * A client of the PJRT C API, by which XLA's plugins (TPU, NVIDIA GPU, CPU) compile StableHLO and
 * run it on their devices. It knows nothing of graphs, models or the rest of Shardlight.
 *
 * <p>{@link PjrtPlugin} loads a library, {@link PjrtClient} opens its devices, {@link PjrtBuffer}
 * is an array on a device, {@link PjrtExecutable} a program. What a plugin refuses comes as {@link
 * PjrtException}, what the caller got wrong as {@link IllegalArgumentException}, and the use of
 * what is closed as {@link IllegalStateException}. All of it may be used from many threads.
 *
 * <p>Memory on devices is freed by {@code close} only, never by the garbage collector.
 */
@NullMarked
package io.shardlight.engines.pjrt.client;

import org.jspecify.annotations.NullMarked;
