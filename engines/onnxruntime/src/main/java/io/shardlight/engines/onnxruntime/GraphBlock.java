package io.shardlight.engines.onnxruntime;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.Block;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The engine's block with the graph's inputs and outputs: checks what goes in, and says on failure
 * which model ran where on what. Thread-safe.
 */
final class GraphBlock extends AbstractSymbolBlock {
  private final Graph graph;
  private final Device device;
  private final Block program;

  GraphBlock(Graph graph, Device device, Block program) {
    this.graph = graph;
    this.device = device;
    this.program = program;
  }

  /**
   * Runs the program; {@code inputs} are in the graph's order, their names are of no account and
   * are removed (the engine would take them for input names).
   *
   * @throws DeviceFault if that is what ONNX Runtime tells of
   */
  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> params) {
    check(inputs);
    inputs.forEach(array -> array.setName(null));
    try {
      NDList outputs = program.forward(parameterStore, inputs, training);
      outputs.forEach(array -> array.setName(null));
      return outputs;
    } catch (EngineException e) {
      String where = graph.name() + " failed on " + device + " with inputs " + describe(inputs);
      Optional<DeviceFault> fault = OrtFaults.find(where, e);
      if (fault.isPresent()) {
        throw fault.get();
      }
      throw new EngineException(where + ": " + e.getMessage(), e);
    }
  }

  private void check(NDList inputs) {
    List<Node> wanted = graph.inputs();
    boolean fits = inputs.size() == wanted.size();
    for (int i = 0; fits && i < wanted.size(); i++) {
      fits =
          inputs.get(i).getShape().equals(wanted.get(i).shape())
              && inputs.get(i).getDataType() == wanted.get(i).dataType();
    }
    if (!fits) {
      throw new IllegalArgumentException(
          graph.name()
              + " was built for inputs "
              + wanted.stream()
                  .map(node -> node + " " + node.dataType())
                  .collect(Collectors.joining(", ", "[", "]"))
              + ", but was given "
              + describe(inputs)
              + "; load it again for another batch or size");
    }
  }

  private static String describe(NDList inputs) {
    return inputs.stream()
        .map((NDArray array) -> array.getShape() + " " + array.getDataType())
        .collect(Collectors.joining(", ", "[", "]"));
  }

  @Override
  public PairList<String, Shape> describeInput() {
    PairList<String, Shape> description = new PairList<>();
    graph.inputs().forEach(node -> description.add(node.label(), node.shape()));
    return description;
  }

  @Override
  public PairList<String, Shape> describeOutput() {
    PairList<String, Shape> description = new PairList<>();
    graph.outputs().forEach((name, node) -> description.add(name, node.shape()));
    return description;
  }

  /** None: the weights belong to the program. */
  @Override
  public ParameterList getDirectParameters() {
    return new ParameterList();
  }

  @Override
  public Shape[] getOutputShapes(Shape[] inputShapes) {
    return graph.outputs().values().stream().map(Node::shape).toArray(Shape[]::new);
  }
}
