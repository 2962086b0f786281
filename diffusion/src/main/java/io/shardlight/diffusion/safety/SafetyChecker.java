package io.shardlight.diffusion.safety;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.ClipPreprocessorConfig;
import io.shardlight.diffusion.model.ClipVisionModel;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.diffusion.weights.SafetyCheckerFiles;
import io.shardlight.diffusion.weights.Weights;
import java.io.IOException;
import java.util.List;

/**
 * A model's safety checker, read and checked but not yet on any device. Its network runs between
 * two steps on the host: {@link #prepare} makes its input of an image, {@link #score} judges its
 * output. Immutable and thread-safe.
 */
public final class SafetyChecker {
  private final ClipVisionModel network;
  private final Weights weights;
  private final ClipImageProcessor processor;
  private final ConceptThresholds thresholds;

  private SafetyChecker(SafetyCheckerFiles files, ModelDirectory directory) throws IOException {
    this.network = ClipVisionModel.read(files.config());
    this.processor = new ClipImageProcessor(ClipPreprocessorConfig.read(files.preprocessor()));
    int cropSize = processor.config().cropSize();
    if (cropSize != network.config().imageSize()) {
      throw new ModelDirectoryException(
          directory.path(),
          List.of(
              "feature_extractor/preprocessor_config.json: crop_size is "
                  + cropSize
                  + ", but safety_checker/config.json: image_size is "
                  + network.config().imageSize()
                  + "; take both files of one model"));
    }
    this.weights = files.weights();
    weights.requireMatch(network.graph(1), network.conceptGraph());
    this.thresholds = ConceptThresholds.read(weights);
  }

  /**
   * Reads and checks a model's safety checker: its weights' names and shapes, and the concepts.
   *
   * @throws IOException if a file is missing, cannot be read, is malformed, or does not fit
   * @throws IllegalArgumentException if a config asks for what is not supported
   */
  public static SafetyChecker open(ModelDirectory directory) throws IOException {
    return new SafetyChecker(SafetyCheckerFiles.open(directory), directory);
  }

  /** The network for one image a run: an image's score does not depend on others. */
  public Graph graph() {
    return network.graph(1);
  }

  /** The network's weights. */
  public ParameterSource weights() {
    return weights;
  }

  /**
   * @param rgb red, green, blue, one byte each, row by row from the top
   * @return the network's input
   */
  public float[] prepare(byte[] rgb, int widthPixels, int heightPixels) {
    return processor.process(rgb, widthPixels, heightPixels);
  }

  /**
   * @param imageEmbeds the network's output
   * @throws ArithmeticException if it has values that are no numbers
   */
  public SafetyScore score(float[] imageEmbeds) {
    return thresholds.score(imageEmbeds);
  }
}
