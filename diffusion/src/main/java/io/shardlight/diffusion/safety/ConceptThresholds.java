package io.shardlight.diffusion.safety;

import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Holds image embeddings against the checker's concepts, as {@code StableDiffusionSafetyChecker} of
 * diffusers 0.5.1 does. Its Flax twin decides on the host by the same arithmetic; that of later
 * releases rounds in float32, which differs where a score is within 1e-7 of a half of 0.001.
 * Immutable and thread-safe.
 */
public final class ConceptThresholds {
  /** What a special-care concept adds to the scores after it. */
  private static final double SPECIAL_CARE = 0.01;

  /** The least length that an embedding is divided by; {@code torch.nn.functional.normalize}. */
  private static final double EPSILON = 1e-12;

  private final float[][] concepts;
  private final float[] thresholds;
  private final float[][] specialCareConcepts;
  private final float[] specialCareThresholds;

  private ConceptThresholds(ParameterSource weights) {
    this.concepts = rows(weights.get("concept_embeds"));
    this.thresholds = values(weights.get("concept_embeds_weights"));
    this.specialCareConcepts = rows(weights.get("special_care_embeds"));
    this.specialCareThresholds = values(weights.get("special_care_embeds_weights"));
  }

  /**
   * @param weights with the parameters of {@link
   *     io.shardlight.diffusion.model.ClipVisionModel#conceptGraph}
   */
  public static ConceptThresholds read(ParameterSource weights) {
    return new ConceptThresholds(weights);
  }

  /**
   * @param embedding of one image, of any length but zero
   * @throws ArithmeticException if it has values that are no numbers
   */
  public SafetyScore score(float[] embedding) {
    // 1. Special care: a concept found makes the scores after it higher, its own kind's too.
    double adjustment = 0;
    for (int i = 0; i < specialCareConcepts.length; i++) {
      double cosine = cosine(embedding, specialCareConcepts[i]);
      if (rounded(cosine - specialCareThresholds[i] + adjustment) > 0) {
        adjustment = SPECIAL_CARE;
      }
    }

    // 2. The concepts themselves.
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < concepts.length; i++) {
      double cosine = cosine(embedding, concepts[i]);
      largest = Math.max(largest, rounded(cosine - thresholds[i] + adjustment));
    }
    return new SafetyScore(largest);
  }

  /** Of three digits, halves to even; zero has no sign. */
  private static double rounded(double score) {
    return Math.rint(score * 1000) / 1000 + 0.0;
  }

  /** A float32, as what the reference's thresholds are taken off. */
  static float cosine(float[] first, float[] second) {
    double product = 0;
    double firstSquares = 0;
    double secondSquares = 0;
    for (int i = 0; i < first.length; i++) {
      product += (double) first[i] * second[i];
      firstSquares += (double) first[i] * first[i];
      secondSquares += (double) second[i] * second[i];
    }
    return (float)
        (product
            / Math.max(Math.sqrt(firstSquares), EPSILON)
            / Math.max(Math.sqrt(secondSquares), EPSILON));
  }

  private static float[][] rows(ParameterData matrix) {
    float[] all = values(matrix);
    int width = Math.toIntExact(matrix.shape().get(1));
    float[][] rows = new float[all.length / width][];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(all, i * width, (i + 1) * width);
    }
    return rows;
  }

  private static float[] values(ParameterData data) {
    float[] values = new float[Math.toIntExact(data.shape().size())];
    data.read(0, FloatBuffer.wrap(values));
    return values;
  }
}
