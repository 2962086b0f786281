package io.shardlight.diffusion.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphInterpreter;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.Weights;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/** The components of the tiny model, evaluated by the interpreter. */
final class TinyModel {
  private static final ModelDirectory DIRECTORY = open();

  private TinyModel() {}

  private static ModelDirectory open() {
    try {
      return ModelDirectory.open(TinyModels.torch());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A copy of the component's {@code config.json}, to be changed at will. */
  static ObjectNode config(String component) {
    return (ObjectNode) DIRECTORY.config(component).deepCopy();
  }

  static JsonNode json(String text) throws JsonProcessingException {
    return new ObjectMapper().readTree(text);
  }

  static Weights weights(String component) {
    try {
      return DIRECTORY.weights(component);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs a graph of the component that its name tells. */
  static Map<String, double[]> run(Graph graph, Map<String, double[]> inputs) {
    return new GraphInterpreter(graph, weights(graph.name())).run(inputs);
  }

  /** The largest difference between elements; NaN if there is one. */
  static double maxDifference(double[] actual, NpyArray golden) {
    double[] expected = golden.doubles();
    if (actual.length != expected.length) {
      throw new AssertionError(actual.length + " elements, but the golden array is " + golden);
    }
    double max = 0;
    for (int i = 0; i < actual.length; i++) {
      max = Math.max(max, Math.abs(actual[i] - expected[i]));
    }
    return max;
  }

  static double[] output(Map<String, double[]> outputs, String name) {
    double[] output = outputs.get(name);
    if (output == null) {
      throw new AssertionError("no output " + name + ", but " + outputs.keySet());
    }
    return output;
  }
}
