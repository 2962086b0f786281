package io.shardlight.diffusion.graph;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import java.io.IOException;

/**
 * The weights of a text-to-image model on several devices of one engine, each device with all of
 * them, and programs over them: JAX's {@code replicate}. Thread-safe.
 */
public interface ReplicatedWeights extends AutoCloseable {
  /**
   * Compiles a program for every device, and puts those of its weights there that are not yet.
   *
   * <p>Predictors of the model take one array for each of {@link LatentDiffusion#inputs}; the first
   * axis of those that are split is {@code batch} times as long as the number of devices at work,
   * the first ones, which is at most that of all. They give {@link LatentDiffusion#outputs} of the
   * same first axis. What fails because of a device has a {@link DeviceFault} among the causes of
   * what is thrown.
   *
   * @return the model; the caller closes it before these weights
   * @throws DeviceFault if the devices cannot take it now, or at all
   * @throws IOException if weights cannot be read
   * @throws MalformedModelException if the engine refuses the program
   */
  Model load(LatentDiffusion diffusion) throws IOException, MalformedModelException;

  /**
   * Compiles a single network for every device, to compute in float32.
   *
   * <p>Predictors of the model take one array for each of {@link Graph#inputs} and give {@link
   * Graph#outputs}; the first axis of all of them is as many times as long as there are devices at
   * work, the first ones. Ids are 32-bit integers.
   *
   * @return the model; the caller closes it before these weights
   * @throws DeviceFault if the devices cannot take it now, or at all
   * @throws IOException if weights cannot be read
   * @throws MalformedModelException if the engine refuses the program
   */
  Model loadNetwork(Graph network) throws IOException, MalformedModelException;

  /** Frees the devices' memory; no exception. */
  @Override
  void close();
}
