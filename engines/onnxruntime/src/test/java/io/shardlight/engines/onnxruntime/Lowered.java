package io.shardlight.engines.onnxruntime;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.ParameterSource;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A lowered graph to be run on plain arrays. */
final class Lowered implements AutoCloseable {
  private final Graph graph;
  private final Model model;

  private Lowered(Graph graph, Model model) {
    this.graph = graph;
    this.model = model;
  }

  static Lowered load(
      OnnxLowering lowering, Graph graph, ParameterSource parameters, LoweringOptions options)
      throws Exception {
    return new Lowered(graph, lowering.load(graph, parameters, options));
  }

  static LoweringOptions options(boolean fusions, Path cache) {
    return new LoweringOptions(Device.cpu(), 1, fusions, cache);
  }

  Model model() {
    return model;
  }

  /** Runs once on a predictor of its own; inputs by name, outputs in the graph's order. */
  List<float[]> run(Map<String, double[]> inputs) throws TranslateException {
    try (NDManager manager = model.getNDManager().newSubManager();
        Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator())) {
      NDList list = new NDList();
      for (Node input : graph.inputs()) {
        double[] values = inputs.get(input.label());
        if (values == null) {
          throw new IllegalArgumentException("no value for " + input);
        }
        list.add(array(manager, input, values));
      }
      List<float[]> outputs = new ArrayList<>();
      for (NDArray array : predictor.predict(list)) {
        outputs.add(array.toFloatArray());
      }
      return outputs;
    }
  }

  private static NDArray array(NDManager manager, Node input, double[] values) {
    if (input.dataType() == DataType.INT64) {
      LongBuffer longs = LongBuffer.allocate(values.length);
      for (double value : values) {
        longs.put((long) value);
      }
      return manager.create(longs.flip(), input.shape(), DataType.INT64);
    }
    FloatBuffer floats = FloatBuffer.allocate(values.length);
    for (double value : values) {
      floats.put((float) value);
    }
    return manager.create(floats.flip(), input.shape(), DataType.FLOAT32);
  }

  @Override
  public void close() {
    model.close();
  }
}
