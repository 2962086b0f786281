package io.shardlight.diffusion.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/**
 * How images are made ready for CLIP: {@code feature_extractor/preprocessor_config.json}, as
 * transformers' {@code CLIPFeatureExtractor} writes it and its successor {@code CLIPImageProcessor}
 * does. Values in brackets are the defaults of transformers 4.23, which Stable Diffusion v1-4 has
 * too.
 *
 * @param shortestEdge {@code size}, or its {@code shortest_edge}: pixels of the shorter side after
 *     resizing [224]
 * @param cropSize {@code crop_size}, or its {@code height} and {@code width}: pixels of a side of
 *     the square that is cut from the middle [224]
 * @param mean {@code image_mean} of red, green and blue in [0, 1] [0.48145466, 0.4578275,
 *     0.40821073]
 * @param deviation {@code image_std}, not zero [0.26862954, 0.26130258, 0.27577711]
 */
public record ClipPreprocessorConfig(
    int shortestEdge, int cropSize, List<Double> mean, List<Double> deviation) {
  private static final String FILE = "feature_extractor/preprocessor_config.json";

  public ClipPreprocessorConfig {
    mean = List.copyOf(mean);
    deviation = List.copyOf(deviation);
    if (cropSize > shortestEdge) {
      throw new UnsupportedConfigException(
          String.format(
              "%s: crop_size must not be more than the shorter side after resizing, %d, but is %d",
              FILE, shortestEdge, cropSize));
    }
    if (deviation.contains(0.0)) {
      throw new UnsupportedConfigException(
          FILE + ": image_std must not hold 0, but is " + deviation);
    }
  }

  /**
   * @throws UnsupportedConfigException naming key and value, if something else is asked for
   */
  public static ClipPreprocessorConfig read(JsonNode json) {
    ConfigReader config = new ConfigReader(FILE, json);
    for (String key : List.of("feature_extractor_type", "image_processor_type")) {
      config.require(
          key,
          "null",
          "null",
          "\"CLIPFeatureExtractor\"",
          "\"CLIPImageProcessor\"",
          "\"CLIPImageProcessorFast\"");
    }
    for (String step : List.of("do_resize", "do_center_crop", "do_rescale", "do_normalize")) {
      config.require(step, "true", "true");
    }
    config.require("resample", "3", "3");
    config.require("rescale_factor", "0.00392156862745098", "0.00392156862745098");
    return new ClipPreprocessorConfig(
        config.countOrEach("size", 224, "shortest_edge"),
        config.countOrEach("crop_size", 224, "height", "width"),
        config.numbers("image_mean", List.of(0.48145466, 0.4578275, 0.40821073)),
        config.numbers("image_std", List.of(0.26862954, 0.26130258, 0.27577711)));
  }
}
