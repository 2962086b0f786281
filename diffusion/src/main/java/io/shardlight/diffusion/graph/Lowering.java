package io.shardlight.diffusion.graph;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import java.io.IOException;

/**
 * Turns graphs into programs of one DJL engine. Implementations live beside their engine and are
 * found by {@link java.util.ServiceLoader}.
 */
public interface Lowering {
  /** The name by which {@code ai.djl.engine.Engine.getEngine} knows the engine. */
  String engineName();

  /**
   * Starts the engine where that has not been done in this process. Call this rather than DJL's
   * {@code Engine.getEngine}: an engine may need care while it starts.
   *
   * @throws ai.djl.engine.EngineException if it can't be started here, with the cause
   */
  default Engine engine() {
    return Engine.getEngine(engineName());
  }

  /** Version of the library that runs the programs, as it says itself: {@code 1.29.0}. */
  default String runtimeVersion() {
    return engine().getVersion();
  }

  /**
   * Loads a graph with its weights as a DJL model. Its predictors take an {@code NDList} with one
   * array for each of {@link Graph#inputs()} and give one for each of {@link Graph#outputs()}, in
   * those orders; predictors of one model may run at the same time on different threads and share
   * the weights. A run that fails because of the device has a {@link DeviceFault} among the causes
   * of what it throws.
   *
   * @return the model; the caller closes it
   * @throws DeviceFault if the device cannot take it now, or at all
   * @throws IOException if weights cannot be read or a cache file cannot be written
   * @throws MalformedModelException if the engine refuses the program
   */
  Model load(Graph graph, ParameterSource parameters, LoweringOptions options)
      throws IOException, MalformedModelException;
}
