package io.shardlight.engines.onnxruntime;

import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.Op;
import java.util.Optional;

/**
 * A parameter, or consecutive rows of one: the elements {@code [start, start + shape.size())} in
 * row-major order.
 *
 * @param start index of the first element
 */
record WeightView(String parameter, long start, Shape shape) {

  /** The view a node is: a parameter, or slices of one along its first axis. */
  static Optional<WeightView> of(Node node) {
    if (node.op() instanceof Op.Parameter parameter) {
      return Optional.of(new WeightView(parameter.name(), 0, node.shape()));
    }
    if (node.op() instanceof Op.Slice slice && slice.axis() == 0) {
      long row = node.shape().size() / node.dimension(0);
      return of(node.operand(0))
          .map(
              whole ->
                  new WeightView(whole.parameter, whole.start + slice.start() * row, node.shape()));
    }
    return Optional.empty();
  }

  /** The parameter's name, with the range when it is not the whole. */
  String name(Shape whole) {
    return shape.equals(whole) ? parameter : parameter + "@" + start + "+" + shape.size();
  }
}
