package io.shardlight.engines.onnxruntime;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBlock;
import java.util.Optional;

/**
 * The engine's block as the graph's: says on failure which model ran where on what. Thread-safe.
 */
final class OrtBlock extends GraphBlock {
  private final Device device;
  private final Block program;

  OrtBlock(Graph graph, Device device, Block program) {
    super(graph);
    this.device = device;
    this.program = program;
  }

  /**
   * Runs the program; the names of the inputs are of no account and are removed (the engine would
   * take them for input names).
   *
   * @throws DeviceFault if that is what ONNX Runtime tells of
   */
  @Override
  protected NDList run(ParameterStore parameterStore, NDList inputs, boolean training) {
    inputs.forEach(array -> array.setName(null));
    try {
      NDList outputs = program.forward(parameterStore, inputs, training);
      outputs.forEach(array -> array.setName(null));
      return outputs;
    } catch (EngineException e) {
      String where = graph().name() + " failed on " + device + " with inputs " + describe(inputs);
      Optional<DeviceFault> fault = OrtFaults.find(where, e);
      if (fault.isPresent()) {
        throw fault.get();
      }
      throw new EngineException(where + ": " + e.getMessage(), e);
    }
  }
}
