package io.shardlight.diffusion;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.ReplicatedWeights;
import io.shardlight.diffusion.safety.SafetyChecker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A safety checker on devices, as a program of its own, for one image a device and run: so one
 * program serves all batches and image sizes, and no score depends on a batch. Making it a part of
 * the generation program would need Pillow's integer arithmetic on the device, and another
 * generation program for each size.
 */
final class ReplicatedChecker implements AutoCloseable {
  private final SafetyChecker checker;
  private final Model model;
  private final Predictor<NDList, NDList> predictor;
  private final int devices;

  private ReplicatedChecker(SafetyChecker checker, Model model, int devices) {
    this.checker = checker;
    this.model = model;
    this.predictor = model.newPredictor(new NoopTranslator(null));
    this.devices = devices;
  }

  /**
   * @param weights with those of the checker
   */
  static ReplicatedChecker load(SafetyChecker checker, ReplicatedWeights weights, int devices) {
    try {
      return new ReplicatedChecker(checker, weights.loadNetwork(checker.graph()), devices);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot load the safety checker: " + e.getMessage(), e);
    } catch (MalformedModelException e) {
      throw new EngineException("the engine refuses the safety checker's program", e);
    }
  }

  /** The same images in the same order, each with its score. */
  List<GeneratedImage> check(List<GeneratedImage> images) {
    List<float[]> prepared =
        images.parallelStream()
            .map(image -> checker.prepare(image.rgb(), image.widthPixels(), image.heightPixels()))
            .toList();
    List<GeneratedImage> checked = new ArrayList<>(images.size());
    for (int start = 0; start < images.size(); start += devices) {
      int end = Math.min(images.size(), start + devices);
      for (float[] embeds : run(prepared.subList(start, end))) {
        GeneratedImage image = images.get(checked.size());
        checked.add(image.withSafetyScore(checker.score(embeds)));
      }
    }
    return checked;
  }

  /** One input a device, and one output. */
  private List<float[]> run(List<float[]> inputs) {
    Shape one = checker.graph().inputs().get(0).shape();
    FloatBuffer all = FloatBuffer.allocate(Math.toIntExact(inputs.size() * one.size()));
    inputs.forEach(all::put);
    float[] embeds;
    try (NDManager manager = model.getNDManager().newSubManager();
        NDList list = new NDList()) {
      Shape shape = new Shape(inputs.size()).addAll(one.slice(1));
      list.add(manager.create(all.flip(), shape, DataType.FLOAT32));
      try (NDList outputs = predictor.predict(list)) {
        embeds = outputs.get(0).toFloatArray();
      }
    } catch (TranslateException | RuntimeException e) {
      throw DeviceFault.explain(
          "the safety checker failed on "
              + inputs.size()
              + " images on engine "
              + model.getNDManager().getEngine().getEngineName(),
          e);
    }
    int width = embeds.length / inputs.size();
    List<float[]> split = new ArrayList<>(inputs.size());
    for (int i = 0; i < inputs.size(); i++) {
      split.add(Arrays.copyOfRange(embeds, i * width, (i + 1) * width));
    }
    return split;
  }

  @Override
  public void close() {
    predictor.close();
    model.close();
  }
}
