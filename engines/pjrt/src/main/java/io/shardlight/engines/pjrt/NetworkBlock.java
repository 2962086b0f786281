package io.shardlight.engines.pjrt;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A graph on one device, with its weights. */
final class NetworkBlock extends AbstractSymbolBlock implements AutoCloseable {
  private final Graph graph;
  private final ReplicatedProgram program;
  private final ResidentWeights weights;

  NetworkBlock(Graph graph, ReplicatedProgram program, ResidentWeights weights) {
    this.graph = graph;
    this.program = program;
    this.weights = weights;
  }

  @Override
  protected NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> params) {
    requireFit(inputs);
    List<HostTensor> tensors = new ArrayList<>();
    for (NDArray input : inputs) {
      tensors.add(
          input.getDataType() == DataType.INT64 ? HostTensor.ofLongs(input) : HostTensor.of(input));
    }
    try {
      NDList outputs = new NDList();
      for (HostTensor output : program.run(List.of(tensors)).get(0)) {
        outputs.add(output.toArray(inputs.getManager()));
      }
      return outputs;
    } catch (PjrtException e) {
      throw weights.fault(graph.name() + " failed", e);
    } catch (IllegalStateException e) {
      throw weights.closed(graph.name() + " failed", e);
    }
  }

  private void requireFit(NDList inputs) {
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
              + inputs.stream()
                  .map((NDArray array) -> array.getShape() + " " + array.getDataType())
                  .collect(Collectors.joining(", ", "[", "]"))
              + "; load it again for another batch or size");
    }
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

  @Override
  public void close() {
    program.close();
    weights.close();
  }
}
