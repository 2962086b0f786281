package io.shardlight.diffusion.model;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * How a model is best asked for images, if nothing else is asked for: {@code
 * generation_config.json} beside {@code model_index.json}, a file that need not be there. Its name
 * and manner are those of transformers' language models; diffusers' folders have no place for it.
 *
 * @param numInferenceSteps {@code num_inference_steps}, number of steps of the scheduler, at least
 *     1 [50, as {@code StableDiffusionPipeline}]
 * @param guidanceScale {@code guidance_scale}, weight of classifier-free guidance, not negative
 *     [7.5, as {@code StableDiffusionPipeline}]
 */
public record GenerationConfig(int numInferenceSteps, float guidanceScale) {
  /** The file's name. */
  public static final String FILE = "generation_config.json";

  /** What holds for a model without the file. */
  public static final GenerationConfig DEFAULT = new GenerationConfig(50, 7.5f);

  public GenerationConfig {
    if (numInferenceSteps < 1) {
      throw new IllegalArgumentException(
          "num_inference_steps must be at least 1, but was " + numInferenceSteps);
    }
    if (!isGuidance(guidanceScale)) {
      throw new IllegalArgumentException(
          "guidance_scale must be a number from 0 up, but was " + guidanceScale);
    }
  }

  /**
   * @throws UnsupportedConfigException naming key and value, if one is no number of its kind or is
   *     not known
   */
  public static GenerationConfig read(JsonNode json) {
    ConfigReader config = new ConfigReader(FILE, json);
    int steps = config.count("num_inference_steps", DEFAULT.numInferenceSteps);
    float guidanceScale = config.number("guidance_scale", DEFAULT.guidanceScale);
    config.refuseTheRest();
    if (!isGuidance(guidanceScale)) {
      throw config.refusal("guidance_scale", "a number from 0 up");
    }
    return new GenerationConfig(steps, guidanceScale);
  }

  private static boolean isGuidance(float value) {
    return value >= 0 && Float.isFinite(value);
  }
}
