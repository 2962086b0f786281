package io.shardlight.engines.pjrt;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import java.util.ArrayList;
import java.util.List;

/**
 * A network as a function of a program, with main's arguments that are its weights. They are laid
 * out as in the checkpoint, so that nothing but rounding happens to them on their way to a device;
 * main turns kernels into the form in which {@link GraphFunction} computes with them, once in a
 * call and outside of all loops. What that takes on the device is a second copy of the kernels, for
 * as long as the call lasts.
 *
 * @param function called by main
 * @param weights main's arguments, in their order
 * @param operands the function's first operands
 */
record NetworkFunction(HloFunction function, List<Weight> weights, List<Value> operands) {
  /** An argument that stays on the device: a parameter of a component. */
  record Weight(String component, Node parameter, TensorType type) {}

  /** Writes the network, and adds its weights to main's arguments. */
  static NetworkFunction add(
      HloModule module,
      HloFunction main,
      Graph graph,
      ElementType precision,
      AttentionForm attention,
      String name) {
    HloFunction function = module.add(GraphFunction.write(graph, precision, attention, name));
    List<Weight> weights = new ArrayList<>();
    List<Value> operands = new ArrayList<>();
    for (Node parameter : graph.parameters().values()) {
      TensorType stored = storedType(parameter, precision);
      weights.add(new Weight(graph.name(), parameter, stored));
      Value weight = main.argument(stored);
      operands.add(weight.rank() == 4 ? main.transpose(weight, 2, 3, 1, 0) : weight);
    }
    return new NetworkFunction(function, weights, operands);
  }

  /** How a parameter comes: kernels of convolutions as {@code [out, in, h, w]}. */
  static TensorType storedType(Node parameter, ElementType precision) {
    return new TensorType(precision, parameter.shape());
  }

  /** Calls the network. */
  List<Value> call(HloFunction main, List<Value> inputs) {
    List<Value> all = new ArrayList<>(operands);
    all.addAll(inputs);
    return main.call(function, all);
  }

  /** The types of the graph's inputs. */
  List<TensorType> inputs() {
    return function.arguments().stream().skip(operands.size()).map(Value::type).toList();
  }
}
