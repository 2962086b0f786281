package io.shardlight.diffusion.graph;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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

  /**
   * Starts the engine on a library.
   *
   * @param plugin which to reach the devices through, for an engine that can do so through several;
   *     empty for what the environment names
   * @throws ai.djl.engine.EngineException also if it was started on another one in this process
   */
  default Engine engine(Optional<Path> plugin) {
    return engine();
  }

  /** Whether this option or the environment names a library that only this engine uses. */
  default boolean isNamed(Optional<Path> plugin) {
    return false;
  }

  /** Whether this build of the engine could use NVIDIA GPUs, on a machine that has some. */
  default boolean reachesGpus() {
    return replicates();
  }

  /** Version of the library that runs the programs, as it says itself: {@code 1.29.0}. */
  default String runtimeVersion() {
    return engine().getVersion();
  }

  /**
   * The maker's name for a device of the engine's, and its memory, on one line; empty where there
   * is nothing to tell.
   */
  default Optional<String> describe(Device device) {
    return Optional.empty();
  }

  /**
   * Lets go of devices that nothing of this process uses now, for another process that may be the
   * only one they let in; the engine takes them again when it needs them.
   */
  default void release() {}

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

  /** What networks can compute in here, the most exact first. */
  default List<DataType> dataTypes() {
    return List.of(DataType.FLOAT32);
  }

  /** Whether the engine runs whole generations as one program: {@link #replicate} works. */
  default boolean replicates() {
    return false;
  }

  /**
   * Prepares to run whole generations on devices, weights and denoising loop included.
   *
   * @param parameters of each component, by its graph's name; read when the first program is loaded
   * @param devices of the engine's, at least one
   * @param dataType what UNet and decoder compute in, one of {@link #dataTypes}
   * @param cacheDirectory where compiled programs are kept between runs; made when needed
   * @param shared where other machines' programs are looked for, and this one's left for them
   * @throws UnsupportedOperationException if the engine runs single networks only
   */
  default ReplicatedWeights replicate(
      Map<String, ? extends ParameterSource> parameters,
      List<Device> devices,
      DataType dataType,
      Optional<Path> cacheDirectory,
      Optional<ProgramStore> shared) {
    throw new UnsupportedOperationException(engineName() + " runs single networks only");
  }
}
