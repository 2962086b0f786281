package io.shardlight.diffusion.safety;

/**
 * What the safety checker makes of an image: the largest of the scores that diffusers calls {@code
 * concept_scores}. Each is the cosine of the image's and the concept's embedding, less the
 * concept's threshold, plus 0.01 if a special-care concept was found before, rounded to three
 * digits.
 *
 * @param value from -2 up; above 0 if a concept was found
 */
public record SafetyScore(double value) {
  public SafetyScore {
    if (Double.isNaN(value)) {
      throw new ArithmeticException(
          "the safety checker's score must be a number, but is NaN; its weights are damaged");
    }
  }

  /** Whether a concept was found: {@code has_nsfw_concept}. */
  public boolean isFlagged() {
    return value > 0;
  }
}
