package io.shardlight.diffusion.graph;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractSymbolBlock;
import ai.djl.nn.ParameterList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A block with a graph's inputs and outputs, whichever engine computes it: checks what goes in.
 * Thread-safe if the engine's part is.
 */
public abstract class GraphBlock extends AbstractSymbolBlock {
  private final Graph graph;

  protected GraphBlock(Graph graph) {
    this.graph = graph;
  }

  protected final Graph graph() {
    return graph;
  }

  /**
   * Runs the program.
   *
   * @param inputs in the graph's order, of its shapes and types
   * @return the outputs in the graph's order
   */
  protected abstract NDList run(ParameterStore parameterStore, NDList inputs, boolean training);

  @Override
  protected final NDList forwardInternal(
      ParameterStore parameterStore,
      NDList inputs,
      boolean training,
      @Nullable PairList<String, Object> params) {
    check(inputs);
    return run(parameterStore, inputs, training);
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

  /** Shapes and types, for messages. */
  protected static String describe(NDList inputs) {
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
