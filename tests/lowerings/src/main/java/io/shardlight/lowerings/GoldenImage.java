package io.shardlight.lowerings;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * What a pipeline of diffusers drew, and what it was asked for.
 *
 * @param schedulerConfig what the model's {@code scheduler_config.json} had beside its own
 * @param pixels {@code [1, h, w, 3]} in [0, 1]
 * @param bytes the same in 255 levels
 */
public record GoldenImage(
    String id,
    ImageRequest request,
    Map<String, String> schedulerConfig,
    NpyArray pixels,
    NpyArray bytes) {

  /** By {@code StableDiffusionPipeline} with the tiny model. */
  public static List<GoldenImage> torch() {
    return read("tiny/e2e", GoldenImage::seeded);
  }

  /** By today's {@code StableDiffusionPipeline} with the tiny model and other schedulers. */
  public static List<GoldenImage> schedulers() {
    return read("schedulers/e2e", GoldenImage::seeded);
  }

  /** By {@code StableDiffusionPipeline} with other models; see {@link FamilyCase}. */
  static List<GoldenImage> families() {
    return read("families/images", GoldenImage::seeded);
  }

  private static ImageRequest seeded(JsonNode c) {
    return new ImageRequest(
        c.get("prompt").asText(),
        c.get("neg").isNull() ? "" : c.get("neg").asText(),
        PrngKey.ofSeed(c.get("seed").asLong()),
        c.get("w").asInt(),
        c.get("h").asInt(),
        SchedulerKind.fromOption(c.get("sched").asText()),
        c.get("steps").asInt(),
        c.get("g").floatValue());
  }

  /** By {@code FlaxStableDiffusionPipeline} with the tiny model. */
  public static List<GoldenImage> flax() {
    return read(
        "flax/e2e_flax",
        c ->
            ofPndm(
                c,
                new PrngKey(
                    (int) c.get("key").get(0).asLong(), (int) c.get("key").get(1).asLong())));
  }

  /** By {@code StableDiffusionPipeline} with the demo model. */
  public static List<GoldenImage> demo() {
    return read("demo/e2e", c -> ofPndm(c, PrngKey.ofSeed(0)));
  }

  private static ImageRequest ofPndm(JsonNode c, PrngKey key) {
    return new ImageRequest(
        c.get("prompt").asText(),
        "",
        key,
        128,
        128,
        SchedulerKind.PNDM,
        c.get("steps").asInt(),
        c.get("g").floatValue());
  }

  private static List<GoldenImage> read(String file, Function<JsonNode, ImageRequest> request) {
    NpzArchive images = Golden.archive(file + ".npz");
    List<GoldenImage> all = new ArrayList<>();
    for (JsonNode c : Golden.json(file + ".json")) {
      String id = c.get("id").asText();
      Map<String, String> config = new TreeMap<>();
      c.path("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().asText()));
      all.add(
          new GoldenImage(
              id,
              request.apply(c),
              Collections.unmodifiableMap(config),
              images.array(id + "/image_f32"),
              images.array(id + "/image_u8")));
    }
    return all;
  }

  @Override
  public String toString() {
    return id;
  }
}
