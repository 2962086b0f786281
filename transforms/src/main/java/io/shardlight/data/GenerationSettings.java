package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.auto.value.AutoValue;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.StreamSupport;

/**
 * What holds for a whole run once options and model have been read: nothing is left to default.
 * Immutable, and the same on every worker.
 */
@AutoValue
public abstract class GenerationSettings implements Serializable {
  /** Counts up when the same settings begin to give other bytes. */
  public static final int FORMAT_VERSION = 1;

  /** Of JPEG and WebP files unless told otherwise; PNG has none. */
  public static final int DEFAULT_IMAGE_QUALITY = 95;

  public abstract ModelIdentity model();

  /** What the checkpoint is changed by. */
  public abstract AdditionsIdentity additions();

  public abstract EngineIdentity engine();

  /** What a record without values of its own gets. */
  public abstract Sampling sampling();

  /** The negative prompt of records without one; empty for none. */
  public abstract String negativePrompt();

  /** The run seed, unsigned 32 bits. */
  public abstract long seed();

  public abstract SeedPolicy seedPolicy();

  /** Images of a record that doesn't say how many; at least 1. */
  public abstract int imagesPerPrompt();

  public abstract ImageFormat imageFormat();

  /** Of JPEG and WebP files, in [1, 100]; PNG has none. */
  public abstract int imageQuality();

  public abstract Layout layout();

  /** Examples a shard on average; at least 1. */
  public abstract int shardSize();

  /** Sorted and unmodifiable. */
  @SuppressWarnings("AutoValueImmutableFields") // a JDK list, made unmodifiable in build()
  public abstract List<ManifestFormat> manifestFormats();

  /** Share of failed examples, in [0, 1], above which the job fails. */
  public abstract double maxFailureRatio();

  /** Whether input columns that mean nothing to us go to the manifest. */
  public abstract boolean saveAdditionalColumns();

  public abstract TemplateSettings templates();

  /** The safety checker, and what becomes of what it flags. */
  public abstract SafetySettings safety();

  public abstract String pipelineVersion();

  /** A builder with CONTRACT's defaults; model, engine, sampling and version must be set. */
  public static Builder builder() {
    return new AutoValue_GenerationSettings.Builder()
        .additions(AdditionsIdentity.NONE)
        .negativePrompt("")
        .seed(0)
        .seedPolicy(SeedPolicy.PER_IMAGE)
        .imagesPerPrompt(1)
        .imageFormat(ImageFormat.PNG)
        .imageQuality(DEFAULT_IMAGE_QUALITY)
        .layout(Layout.WEBDATASET)
        .shardSize(1000)
        .manifestFormats(List.of(ManifestFormat.AVRO))
        .maxFailureRatio(0.01)
        .saveAdditionalColumns(true)
        .templates(TemplateSettings.OFF)
        .safety(SafetySettings.OFF);
  }

  public abstract Builder toBuilder();

  /**
   * Lower-case hex SHA-256 of the canonical JSON of all that shapes the pixels and their encoding.
   * Never in it: what only moves work about (devices, batch size, workers, runner), what only picks
   * what to draw (prompts, run seed, images per prompt), and how results are filed. Of the safety
   * checker only {@link SafetyPolicy#BLANK} shapes pixels, and then its weights do; what is marked
   * or dropped would have the pixels that it has without a checker.
   */
  public String configFingerprint() {
    return Sha256.hex(CanonicalJson.write(fingerprinted()));
  }

  /**
   * All settings that decide what the finished dataset holds, down to its bytes. A dataset is made
   * by one such set; {@link #maxFailureRatio} alone may change between runs.
   */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("config_fingerprint", configFingerprint());
    json.put("pipeline_version", pipelineVersion());
    json.put("model_id", model().id());
    json.put("model_revision", model().revision());
    json.put("license", model().license());
    json.setAll(fingerprinted());
    if (!additions().loras().isEmpty()) {
      ArrayNode names = json.putArray("lora_names");
      additions().loras().forEach(lora -> names.add(lora.name()));
    }
    additions().vae().forEach(vae -> json.put("vae_name", vae.name()));
    json.put("seed", seed());
    json.put("images_per_prompt", imagesPerPrompt());
    json.put("layout", layout().optionName());
    json.put("shard_size", shardSize());
    ArrayNode formats = json.putArray("manifest_formats");
    manifestFormats().forEach(format -> formats.add(format.optionName()));
    json.put("save_additional_columns", saveAdditionalColumns());
    // Only then, so that datasets made before there were templates can be resumed.
    if (templates().expand()) {
      json.put("expand_templates", true);
      json.put("wildcards_sha256", templates().wildcardsSha256());
    }
    // Only then, so that datasets made before there was a checker can be resumed.
    if (safety().isOn()) {
      putSafety(json);
    }
    return json;
  }

  /**
   * The settings that a dataset was made by, from its plan or its {@code dataset.json}. What these
   * do not hold, as it may change between runs, has its default.
   *
   * @throws IllegalArgumentException if {@link #toJson} did not write it, naming a value that it
   *     would have written otherwise
   */
  public static GenerationSettings fromJson(JsonNode json) {
    boolean expand = json.path("expand_templates").asBoolean();
    GenerationSettings settings =
        builder()
            .model(
                new ModelIdentity(
                    text(json, "model_id"),
                    text(json, "model_revision"),
                    text(json, "model_sha256"),
                    text(json, "license")))
            .additions(additions(json))
            .engine(
                new EngineIdentity(
                    text(json, "engine"),
                    text(json, "device_kind"),
                    text(json, "dtype"),
                    text(json, "numerics")))
            .sampling(
                new Sampling(
                    SchedulerKind.fromOption(text(json, "scheduler")),
                    json.path("steps").intValue(),
                    json.path("guidance_scale").floatValue(),
                    json.path("width").intValue(),
                    json.path("height").intValue()))
            .negativePrompt(text(json, "negative_prompt"))
            .seed(json.path("seed").longValue())
            .seedPolicy(SeedPolicy.fromOption(text(json, "seed_policy")))
            .imagesPerPrompt(json.path("images_per_prompt").intValue())
            .imageFormat(ImageFormat.fromOption(text(json, "image_format")))
            .imageQuality(json.path("image_quality").asInt(DEFAULT_IMAGE_QUALITY))
            .layout(Layout.fromOption(text(json, "layout")))
            .shardSize(json.path("shard_size").intValue())
            .manifestFormats(
                StreamSupport.stream(json.path("manifest_formats").spliterator(), false)
                    .map(format -> ManifestFormat.fromOption(format.asText()))
                    .toList())
            .saveAdditionalColumns(json.path("save_additional_columns").asBoolean())
            .templates(
                expand
                    ? new TemplateSettings(true, "", text(json, "wildcards_sha256"))
                    : TemplateSettings.OFF)
            .safety(safety(json))
            .pipelineVersion(text(json, "pipeline_version"))
            .build();
    requireSame(settings.toJson(), json);
    return settings;
  }

  private static AdditionsIdentity additions(JsonNode json) {
    List<AdditionsIdentity.Lora> loras = new ArrayList<>();
    for (JsonNode lora : json.path("loras")) {
      loras.add(
          new AdditionsIdentity.Lora(
              json.path("lora_names").path(loras.size()).asText(),
              text(lora, "sha256"),
              lora.path("scale").floatValue()));
    }
    Optional<AdditionsIdentity.Vae> vae =
        json.has("vae_sha256")
            ? Optional.of(
                new AdditionsIdentity.Vae(text(json, "vae_name"), text(json, "vae_sha256")))
            : Optional.empty();
    return AdditionsIdentity.of(loras, vae);
  }

  private static void requireSame(ObjectNode wanted, JsonNode found) {
    TreeSet<String> names = new TreeSet<>();
    wanted.fieldNames().forEachRemaining(names::add);
    found.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      String here = wanted.has(name) ? CanonicalJson.write(wanted.get(name)) : "absent";
      String there = found.has(name) ? CanonicalJson.write(found.get(name)) : "absent";
      if (!here.equals(there)) {
        throw new IllegalArgumentException(name + " must be " + here + ", but is " + there);
      }
    }
  }

  private static String text(JsonNode json, String name) {
    return json.path(name).asText();
  }

  private void putSafety(ObjectNode json) {
    json.put("safety", safety().policy().optionName());
    json.put("safety_checker_sha256", safety().checkerSha256());
  }

  private static SafetySettings safety(JsonNode json) {
    return json.has("safety")
        ? new SafetySettings(
            SafetyPolicy.fromOption(text(json, "safety")), text(json, "safety_checker_sha256"))
        : SafetySettings.OFF;
  }

  private ObjectNode fingerprinted() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format_version", FORMAT_VERSION);
    json.put("model_sha256", model().sha256());
    // Only where there are any, so that what was made before there were some can be resumed.
    if (!additions().loras().isEmpty()) {
      ArrayNode loras = json.putArray("loras");
      additions()
          .loras()
          .forEach(
              lora ->
                  loras
                      .addObject()
                      .put("sha256", lora.sha256())
                      .put("scale", CanonicalJson.shortest(lora.scale())));
    }
    additions().vae().forEach(vae -> json.put("vae_sha256", vae.sha256()));
    json.put("engine", engine().engine());
    json.put("device_kind", engine().deviceKind());
    json.put("dtype", engine().dtype());
    json.put("numerics", engine().numerics());
    json.put("scheduler", sampling().scheduler().optionName());
    json.put("steps", sampling().steps());
    json.put("guidance_scale", CanonicalJson.shortest(sampling().guidanceScale()));
    json.put("width", sampling().widthPixels());
    json.put("height", sampling().heightPixels());
    json.put("negative_prompt", negativePrompt());
    json.put("image_format", imageFormat().optionName());
    if (imageFormat().isLossy()) {
      json.put("image_quality", imageQuality());
    }
    json.put("seed_policy", seedPolicy().optionName());
    if (safety().policy() == SafetyPolicy.BLANK) {
      putSafety(json);
    }
    return json;
  }

  /** Order of calls doesn't matter; everything is checked in {@link #build}. */
  @AutoValue.Builder
  public abstract static class Builder {
    public abstract Builder model(ModelIdentity model);

    public abstract Builder additions(AdditionsIdentity additions);

    public abstract Builder engine(EngineIdentity engine);

    public abstract Builder sampling(Sampling sampling);

    public abstract Builder negativePrompt(String negativePrompt);

    public abstract Builder seed(long seed);

    public abstract Builder seedPolicy(SeedPolicy seedPolicy);

    public abstract Builder imagesPerPrompt(int imagesPerPrompt);

    public abstract Builder imageFormat(ImageFormat imageFormat);

    public abstract Builder imageQuality(int imageQuality);

    public abstract Builder layout(Layout layout);

    public abstract Builder shardSize(int shardSize);

    public abstract Builder manifestFormats(List<ManifestFormat> manifestFormats);

    public abstract Builder maxFailureRatio(double maxFailureRatio);

    public abstract Builder saveAdditionalColumns(boolean saveAdditionalColumns);

    public abstract Builder templates(TemplateSettings templates);

    public abstract Builder safety(SafetySettings safety);

    public abstract Builder pipelineVersion(String pipelineVersion);

    abstract GenerationSettings autoBuild();

    /**
     * @throws IllegalArgumentException if a value is out of its range, naming it
     * @throws IllegalStateException if a value without default was not set
     */
    public GenerationSettings build() {
      GenerationSettings settings = autoBuild();
      Seeds.require(settings.seed());
      require(
          settings.imagesPerPrompt() >= 1 && settings.imagesPerPrompt() <= Prompt.MAX_IMAGES,
          "imagesPerPrompt",
          "in [1, " + Prompt.MAX_IMAGES + "]",
          settings.imagesPerPrompt());
      require(
          settings.imageQuality() >= 1 && settings.imageQuality() <= 100,
          "imageQuality",
          "in [1, 100]",
          settings.imageQuality());
      require(settings.shardSize() >= 1, "shardSize", "at least 1", settings.shardSize());
      require(
          !settings.manifestFormats().isEmpty(),
          "manifestFormat",
          "at least one format",
          settings.manifestFormats());
      require(
          settings.maxFailureRatio() >= 0 && settings.maxFailureRatio() <= 1,
          "maxFailureRatio",
          "in [0, 1]",
          settings.maxFailureRatio());
      return settings.toBuilder()
          .manifestFormats(settings.manifestFormats().stream().distinct().sorted().toList())
          .autoBuild();
    }

    private static void require(boolean holds, String name, String wanted, Object found) {
      if (!holds) {
        throw new IllegalArgumentException(name + " must be " + wanted + ", but was " + found);
      }
    }
  }
}
