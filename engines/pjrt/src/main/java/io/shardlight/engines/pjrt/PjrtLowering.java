package io.shardlight.engines.pjrt;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.graph.ProgramStore;
import io.shardlight.diffusion.graph.ReplicatedWeights;
import io.shardlight.engines.pjrt.client.PjrtPlugins;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Runs graphs, and whole generations, as StableHLO programs of engine "PJRT". Thread-safe. */
public final class PjrtLowering implements Lowering {
  /** For {@link java.util.ServiceLoader}. */
  public PjrtLowering() {}

  @Override
  public String engineName() {
    return PjrtEngine.NAME;
  }

  @Override
  public Engine engine(Optional<Path> plugin) {
    return PjrtEngine.start(plugin);
  }

  @Override
  public boolean isNamed(Optional<Path> plugin) {
    return plugin.isPresent() || PjrtPlugins.isNamed();
  }

  @Override
  public Optional<String> describe(Device device) {
    return Optional.of(PjrtEngine.start(Optional.empty()).describe(device));
  }

  @Override
  public void release() {
    PjrtEngine.release();
  }

  @Override
  public List<DataType> dataTypes() {
    return List.of(DataType.FLOAT32, DataType.BFLOAT16);
  }

  @Override
  public boolean replicates() {
    return true;
  }

  @Override
  public ReplicatedWeights replicate(
      Map<String, ? extends ParameterSource> parameters,
      List<Device> devices,
      DataType dataType,
      Optional<Path> cacheDirectory,
      Optional<ProgramStore> shared) {
    PjrtEngine engine = PjrtEngine.start(Optional.empty());
    return new ResidentWeights(
        engine,
        parameters,
        devices,
        ElementType.of(dataType),
        cacheDirectory.map(folder -> new CompileCache(folder, shared)));
  }

  /** {@inheritDoc} Computes in float32; the device's compiler decides on threads and fusions. */
  @Override
  public Model load(Graph graph, ParameterSource parameters, LoweringOptions options)
      throws IOException, MalformedModelException {
    PjrtEngine engine = PjrtEngine.start(Optional.empty());
    ResidentWeights weights =
        new ResidentWeights(
            engine,
            Map.of(graph.name(), parameters),
            List.of(options.device()),
            ElementType.F32,
            Optional.of(new CompileCache(options.cacheDirectory(), Optional.empty())));
    boolean loaded = false;
    try {
      Model model = weights.load(graph);
      loaded = true;
      return model;
    } finally {
      if (!loaded) {
        weights.close();
      }
    }
  }
}
