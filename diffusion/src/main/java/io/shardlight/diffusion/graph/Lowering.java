package io.shardlight.diffusion.graph;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import java.io.IOException;

/**
 * Turns graphs into programs of one DJL engine. Implementations live beside their engine and are
 * found by {@link java.util.ServiceLoader}.
 */
public interface Lowering {
  /** The name by which {@code ai.djl.engine.Engine.getEngine} knows the engine. */
  String engineName();

  /**
   * Loads a graph with its weights as a DJL model. Its predictors take an {@code NDList} with one
   * array for each of {@link Graph#inputs()} and give one for each of {@link Graph#outputs()}, in
   * those orders; predictors of one model may run at the same time on different threads and share
   * the weights.
   *
   * @return the model; the caller closes it
   * @throws IOException if weights cannot be read or a cache file cannot be written
   * @throws MalformedModelException if the engine refuses the program
   */
  Model load(Graph graph, ParameterSource parameters, LoweringOptions options)
      throws IOException, MalformedModelException;
}
