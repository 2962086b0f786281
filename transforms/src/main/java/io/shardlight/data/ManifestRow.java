package io.shardlight.data;

import io.shardlight.diffusion.safety.SafetyScore;
import java.util.Optional;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/**
 * One example and what became of it. Nothing volatile is in it, so that a shard made again has the
 * same rows.
 *
 * @param image where the image lies, if there is one
 * @param promptTruncated whether the text encoder saw only the prompt's beginning, if it got there
 * @param errorClass class of the failure, if it failed
 * @param safetyScore what the safety checker made of it, if one looked
 */
public record ManifestRow(
    Example example,
    ExampleStatus status,
    Optional<StoredObject> image,
    Optional<Boolean> promptTruncated,
    Optional<String> errorClass,
    Optional<SafetyScore> safetyScore) {
  /** What every image here is: IPTC's word for pictures made by a trained model. */
  public static final String DIGITAL_SOURCE_TYPE =
      "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

  public static ManifestRow ok(
      Example example,
      StoredObject image,
      boolean promptTruncated,
      Optional<SafetyScore> safetyScore) {
    return new ManifestRow(
        example,
        ExampleStatus.OK,
        Optional.of(image),
        Optional.of(promptTruncated),
        Optional.empty(),
        safetyScore);
  }

  /** An image that was drawn, and is not kept. */
  public static ManifestRow blocked(
      Example example, boolean promptTruncated, SafetyScore safetyScore) {
    return new ManifestRow(
        example,
        ExampleStatus.BLOCKED,
        Optional.empty(),
        Optional.of(promptTruncated),
        Optional.empty(),
        Optional.of(safetyScore));
  }

  public static ManifestRow failed(Example example, Throwable failure) {
    return new ManifestRow(
        example,
        ExampleStatus.FAILED,
        Optional.empty(),
        Optional.empty(),
        Optional.of(failure.getClass().getName()),
        Optional.empty());
  }

  /** The same with another image in the place of its own. */
  public ManifestRow withImage(StoredObject value) {
    return new ManifestRow(
        example, status, Optional.of(value), promptTruncated, errorClass, safetyScore);
  }

  public ManifestRow withSafetyScore(SafetyScore value) {
    return new ManifestRow(example, status, image, promptTruncated, errorClass, Optional.of(value));
  }

  /** Whether a safety checker found something. */
  public boolean isFlagged() {
    return safetyScore.map(SafetyScore::isFlagged).orElse(false);
  }

  /**
   * The row in {@link AvroManifest}'s schema.
   *
   * @param fingerprint of the settings, which takes long to compute
   */
  public GenericRecord toAvro(int shard, GenerationSettings settings, String fingerprint) {
    GenericRecord row = new GenericData.Record(AvroManifest.SCHEMA);
    row.put("example_id", example.id());
    row.put("key", example.id());
    row.put("shard", shard);
    row.put("file_name", image.map(StoredObject::name).orElse(null));
    row.put("status", status.optionName());
    row.put("error_class", errorClass.orElse(null));
    row.put("prompt", example.prompt());
    row.put("negative_prompt", example.negativePrompt());
    row.put("prompt_id", example.promptId());
    row.put("source_file", example.source().fileName());
    row.put("source_line", example.source().line());
    row.put("image_index", example.imageIndex());
    row.put("seed", example.seed());
    row.put("scheduler", example.sampling().scheduler().optionName());
    row.put("steps", example.sampling().steps());
    row.put("guidance_scale", example.sampling().guidanceScale());
    row.put("width", example.sampling().widthPixels());
    row.put("height", example.sampling().heightPixels());
    row.put("format", settings.imageFormat().optionName());
    row.put("bytes", image.map(StoredObject::bytes).orElse(null));
    row.put("sha256", image.map(StoredObject::sha256).orElse(null));
    row.put("crc32c", image.map(StoredObject::crc32c).orElse(null));
    row.put("model_id", settings.model().id());
    row.put("model_revision", settings.model().revision());
    row.put("model_sha256", settings.model().sha256());
    row.put("dtype", settings.engine().dtype());
    row.put("engine", settings.engine().engine());
    row.put("device_kind", settings.engine().deviceKind());
    row.put("nsfw", safetyScore.map(SafetyScore::isFlagged).orElse(null));
    row.put("nsfw_score", safetyScore.map(score -> (float) score.value()).orElse(null));
    row.put("prompt_truncated", promptTruncated.orElse(null));
    row.put("digital_source_type", DIGITAL_SOURCE_TYPE);
    row.put("license", settings.model().license());
    row.put("config_fingerprint", fingerprint);
    row.put("pipeline_version", settings.pipelineVersion());
    row.put("carried", example.carried());
    return row;
  }
}
