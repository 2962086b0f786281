package io.shardlight.diffusion.weights;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which checkpoints can be drawn with, by what {@code model_index.json} calls the pipeline: those
 * of Stable Diffusion 1.x and 2.x that make images from text alone.
 */
final class ModelFamily {
  private static final String SUPPORTED =
      "Stable Diffusion 1.x and 2.x text-to-image checkpoints (StableDiffusionPipeline) are";

  /** Pipelines over exactly the networks that are built here. */
  private static final Set<String> PIPELINES =
      Set.of(
          "StableDiffusionPipeline",
          "FlaxStableDiffusionPipeline",
          // Saved by people who drew from images; text encoder, UNet and VAE are the same.
          "StableDiffusionImg2ImgPipeline",
          "FlaxStableDiffusionImg2ImgPipeline");

  /** What is different, by a part of the pipeline's name; the first that fits. */
  private static final Map<String, String> DIFFERENCES = differences();

  private ModelFamily() {}

  private static Map<String, String> differences() {
    Map<String, String> reasons = new LinkedHashMap<>();
    reasons.put("XL", "it has two text encoders and another UNet");
    reasons.put("StableDiffusion3", "it has a transformer and three text encoders");
    reasons.put("Flux", "it has a transformer and a T5 text encoder");
    reasons.put("PixArt", "it has a transformer and a T5 text encoder");
    reasons.put("Inpaint", "its UNet sees a mask and a masked image besides the latents");
    reasons.put("Depth2Img", "its UNet sees a depth map besides the latents");
    reasons.put("Pix2Pix", "its UNet sees a picture besides the latents");
    reasons.put("Upscale", "its UNet sees a small picture besides the latents");
    reasons.put("ControlNet", "it has a ControlNet");
    reasons.put("ImageVariation", "it is asked by an image, not by text");
    reasons.put("LatentConsistency", "its UNet takes the guidance scale as an input");
    reasons.put("AnimateDiff", "it makes films");
    reasons.put("TextToVideo", "it makes films");
    return reasons;
  }

  /** Why a model cannot be drawn with, and which can; empty if it can, or does not say. */
  static Optional<String> problem(JsonNode modelIndex) {
    JsonNode name = modelIndex.path("_class_name");
    if (name.isMissingNode() || PIPELINES.contains(name.asText())) {
      return second(modelIndex);
    }
    String pipeline = name.asText();
    String reason =
        DIFFERENCES.entrySet().stream()
            .filter(entry -> pipeline.contains(entry.getKey()))
            .map(entry -> " (" + entry.getValue() + ")")
            .findFirst()
            .orElse("");
    return Optional.of(
        "model_index.json: _class_name is "
            + name
            + reason
            + ", which is not supported; "
            + SUPPORTED);
  }

  /** A pipeline's name may be borrowed; its parts tell more. */
  private static Optional<String> second(JsonNode modelIndex) {
    for (String component :
        List.of("text_encoder_2", "text_encoder_3", "transformer", "controlnet", "prior")) {
      JsonNode entry = modelIndex.path(component);
      if (entry.isArray() && !entry.path(1).isNull()) {
        return Optional.of(
            "model_index.json: it has a component "
                + component
                + " ("
                + entry.path(1).asText()
                + "), which is not supported; "
                + SUPPORTED
                + " without one");
      }
    }
    return Optional.empty();
  }
}
