package io.shardlight.diffusion;

import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import java.lang.reflect.Array;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A graph loaded with its weights on an engine. Runs may overlap on different threads; they share
 * the weights.
 */
final class Program implements AutoCloseable {
  private final Graph graph;
  private final Model model;
  private final Queue<Predictor<NDList, NDList>> idle = new ConcurrentLinkedQueue<>();

  Program(Graph graph, Model model) {
    this.graph = graph;
    this.model = model;
  }

  /**
   * Runs once.
   *
   * @param inputs a {@code float[]} or {@code long[]} for each of the graph's inputs, row-major
   * @return the graph's first output, float32, row-major
   * @throws DeviceFault if that is why it failed
   * @throws EngineException for other reasons; both name program, device and input shapes
   */
  float[] run(Object... inputs) {
    Predictor<NDList, NDList> predictor = idle.poll();
    if (predictor == null) {
      predictor = model.newPredictor(new NoopTranslator(null));
    }
    try (NDManager manager = model.getNDManager().newSubManager()) {
      NDList arrays = new NDList();
      for (int i = 0; i < inputs.length; i++) {
        Shape shape = graph.inputs().get(i).shape();
        requireSize(i, shape, Array.getLength(inputs[i]));
        if (inputs[i] instanceof float[] floats) {
          arrays.add(manager.create(FloatBuffer.wrap(floats), shape));
        } else {
          arrays.add(manager.create(LongBuffer.wrap((long[]) inputs[i]), shape));
        }
      }
      try (NDList results = predictor.predict(arrays)) {
        NDArray first = results.get(0);
        return first.toFloatArray();
      }
    } catch (TranslateException | RuntimeException e) {
      throw DeviceFault.explain(describe(), e);
    } finally {
      idle.add(predictor);
    }
  }

  /** DJL cuts what is too long, with a warning nobody sees. */
  private void requireSize(int index, Shape shape, int length) {
    if (shape.size() != length) {
      throw new IllegalArgumentException(
          graph.name()
              + ": input "
              + graph.inputs().get(index)
              + " has "
              + shape.size()
              + " elements, but got "
              + length);
    }
  }

  private String describe() {
    List<String> shapes = graph.inputs().stream().map(Node::toString).toList();
    return graph.name()
        + " failed on "
        + model.getNDManager().getDevice()
        + " of engine "
        + model.getNDManager().getEngine().getEngineName()
        + " with inputs "
        + shapes;
  }

  @Override
  public void close() {
    for (Predictor<NDList, NDList> p = idle.poll(); p != null; p = idle.poll()) {
      p.close();
    }
    model.close();
  }
}
