package io.shardlight.diffusion.graph;

import ai.djl.ndarray.types.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A network for one set of input shapes: nodes in an order in which operands precede their users,
 * named inputs, named outputs. Immutable and thread-safe; holds names and shapes of parameters,
 * never their values.
 */
public final class Graph {
  private final String name;
  private final List<Node> nodes;
  private final List<Node> inputs;
  private final Map<String, Node> outputs;
  private final Map<String, Node> parameters;

  Graph(String name, List<Node> nodes, Map<String, Node> outputs) {
    this.name = name;
    this.nodes = List.copyOf(nodes);
    this.outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
    List<Node> in = new ArrayList<>();
    Map<String, Node> params = new LinkedHashMap<>();
    for (Node node : nodes) {
      if (node.op() instanceof Op.Input) {
        in.add(node);
      } else if (node.op() instanceof Op.Parameter parameter) {
        params.put(parameter.name(), node);
      }
    }
    this.inputs = List.copyOf(in);
    this.parameters = Collections.unmodifiableMap(params);
  }

  /** The component's name: {@code text_encoder}, {@code unet}, {@code vae}. */
  public String name() {
    return name;
  }

  public List<Node> nodes() {
    return nodes;
  }

  /** The inputs in the order in which a program takes them. */
  public List<Node> inputs() {
    return inputs;
  }

  /** The outputs in the order in which a program returns them. */
  public Map<String, Node> outputs() {
    return outputs;
  }

  /**
   * One of the outputs.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public Node output(String output) {
    Node node = outputs.get(output);
    if (node == null) {
      throw new IllegalArgumentException(
          name + " has no output \"" + output + "\", but " + outputs.keySet());
    }
    return node;
  }

  /** Every parameter the graph reads, by PyTorch name, in order of first use. */
  public Map<String, Node> parameters() {
    return parameters;
  }

  public Shape parameterShape(String parameter) {
    Node node = parameters.get(parameter);
    if (node == null) {
      throw new IllegalArgumentException(name + " has no parameter \"" + parameter + "\"");
    }
    return node.shape();
  }

  /** The node that {@link GraphBuilder#label} named so, a module's output. */
  public Optional<Node> labelled(String label) {
    return nodes.stream().filter(node -> node.labels().contains(label)).findFirst();
  }

  /**
   * The same graph with further outputs, for looking inside a network.
   *
   * @param labels labels of nodes; they become the names of the new outputs
   * @throws IllegalArgumentException if no node has a label
   */
  public Graph withOutputs(List<String> labels) {
    Map<String, Node> more = new LinkedHashMap<>(outputs);
    for (String label : labels) {
      more.put(
          label,
          labelled(label)
              .orElseThrow(
                  () -> new IllegalArgumentException(name + " has no node \"" + label + "\"")));
    }
    return new Graph(name, nodes, more);
  }

  /** How many nodes take each node as an operand, outputs counted once more. */
  public int[] useCounts() {
    int[] uses = new int[nodes.size()];
    for (Node node : nodes) {
      node.operands().forEach(operand -> uses[operand.id()]++);
    }
    outputs.values().forEach(node -> uses[node.id()]++);
    return uses;
  }

  @Override
  public String toString() {
    return name + inputs + " -> " + outputs.keySet();
  }
}
