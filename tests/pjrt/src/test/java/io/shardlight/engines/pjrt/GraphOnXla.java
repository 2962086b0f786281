package io.shardlight.engines.pjrt;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.engines.pjrt.XlaCpu.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs a graph as a program of its own, on XLA. */
final class GraphOnXla {
  private final Graph graph;
  private final HloFunction main = new HloFunction("main");
  private final String module;
  private final List<Tensor> weights = new ArrayList<>();

  GraphOnXla(Graph graph, ParameterSource parameters, ElementType precision) {
    this.graph = graph;
    HloModule program = new HloModule(graph.name());
    NetworkFunction network =
        NetworkFunction.add(program, main, graph, precision, AttentionForm.PLAIN, "network");
    List<Value> inputs = network.inputs().stream().map(main::argument).toList();
    main.results(network.call(main, inputs));
    this.module = program.text(main);
    for (Node parameter : graph.parameters().values()) {
      weights.add(weight(parameters.get(parameter.label()), parameter, precision));
    }
  }

  String module() {
    return module;
  }

  /** Inputs by name; outputs in the graph's order. */
  List<float[]> run(Map<String, double[]> inputs) {
    List<Tensor> arguments = new ArrayList<>(weights);
    for (Node input : graph.inputs()) {
      TensorType type = main.arguments().get(arguments.size()).type();
      double[] values = inputs.get(input.label());
      if (values == null) {
        throw new IllegalArgumentException("no value of " + input);
      }
      arguments.add(Tensor.of(type, values));
    }
    List<TensorType> results = main.results().stream().map(Value::type).toList();
    return XlaCpu.get().run(module(), results, arguments).stream().map(Tensor::floats).toList();
  }

  static Tensor weight(ParameterData data, Node parameter, ElementType precision) {
    float[] stored = new float[Math.toIntExact(parameter.shape().size())];
    data.read(0, FloatBuffer.wrap(stored));
    Tensor tensor = Tensor.allocate(NetworkFunction.storedType(parameter, precision));
    for (int i = 0; i < stored.length; i++) {
      tensor.put(i, stored[i]);
    }
    return tensor;
  }
}
