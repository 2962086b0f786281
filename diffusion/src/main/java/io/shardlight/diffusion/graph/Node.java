package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * One value of a {@link Graph}: an operation, its operands and the shape and type of its result.
 * Nodes are made by a {@link GraphBuilder} only and compare by identity.
 */
public final class Node {
  private final int id;
  private final Op op;
  private final List<Node> operands;
  private final Shape shape;
  private final DataType dataType;
  private final List<String> labels = new ArrayList<>();

  Node(int id, Op op, List<Node> operands, Shape shape, DataType dataType) {
    this.id = id;
    this.op = op;
    this.operands = List.copyOf(operands);
    this.shape = shape;
    this.dataType = dataType;
  }

  /** Position in {@link Graph#nodes()}; operands have smaller ids. */
  public int id() {
    return id;
  }

  public Op op() {
    return op;
  }

  public List<Node> operands() {
    return operands;
  }

  public Node operand(int index) {
    return operands.get(index);
  }

  public Shape shape() {
    return shape;
  }

  /** Size of one axis; negative axes count from the end. */
  public long dimension(int axis) {
    return shape.get(axis < 0 ? shape.dimension() + axis : axis);
  }

  public DataType dataType() {
    return dataType;
  }

  /**
   * The name of the PyTorch module whose output this is ({@code down_blocks.0.resnets.1}), the
   * parameter or input name, or {@code op#id}; unique in the graph. Of modules that share an
   * output, the innermost.
   */
  public String label() {
    if (!labels.isEmpty()) {
      return labels.get(0);
    }
    if (op instanceof Op.Parameter parameter) {
      return parameter.name();
    }
    if (op instanceof Op.Input input) {
      return input.name();
    }
    return op.getClass().getSimpleName() + "#" + id;
  }

  /** The names of all modules whose output this is, from the innermost; empty for the rest. */
  public List<String> labels() {
    return List.copyOf(labels);
  }

  void addLabel(String label) {
    labels.add(label);
  }

  @Override
  public String toString() {
    return label() + " " + shape;
  }
}
