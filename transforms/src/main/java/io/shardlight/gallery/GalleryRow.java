package io.shardlight.gallery;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.data.ManifestJson;
import io.shardlight.data.PromptSource;
import io.shardlight.data.StoredObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;

/**
 * What the gallery shows of an example.
 *
 * @param status {@code ok}, {@code failed} or {@code blocked}
 * @param flagged whether a safety checker found something
 * @param image where the image should lie, if there is one
 * @param facts values of {@link #FACTS}, in that order; null nodes where there is none
 */
record GalleryRow(
    String exampleId,
    String prompt,
    String status,
    boolean flagged,
    Optional<String> errorClass,
    Optional<StoredObject> image,
    PromptSource source,
    int imageIndex,
    int widthPixels,
    int heightPixels,
    List<JsonNode> facts) {
  /** Columns that are shown as they are. */
  static final List<String> FACTS =
      List.of(
          "example_id",
          "file_name",
          "seed",
          "image_index",
          "negative_prompt",
          "scheduler",
          "steps",
          "guidance_scale",
          "width",
          "height",
          "prompt_id",
          "source_file",
          "source_line",
          "prompt_truncated",
          "nsfw_score",
          "model_id",
          "model_revision",
          "license",
          "dtype",
          "engine",
          "device_kind",
          "pipeline_version");

  /** As the prompt files have them, so that the images of a prompt stand together. */
  static final Comparator<GalleryRow> ORDER =
      Comparator.comparing(GalleryRow::source)
          .thenComparing(GalleryRow::imageIndex)
          .thenComparing(GalleryRow::exampleId);

  /**
   * @param row in the manifest's schema
   * @param shared values met before: most of them repeat in every row
   */
  static GalleryRow of(GenericRecord row, Map<JsonNode, JsonNode> shared) {
    List<JsonNode> facts = new ArrayList<>(FACTS.size());
    for (String column : FACTS) {
      facts.add(shared.computeIfAbsent(ManifestJson.node(row.get(column)), node -> node));
    }
    String prompt =
        shared.computeIfAbsent(ManifestJson.node(row.get("prompt")), node -> node).textValue();
    return new GalleryRow(
        text(row, "example_id"),
        prompt,
        text(row, "status"),
        Boolean.TRUE.equals(row.get("nsfw")),
        Optional.ofNullable(row.get("error_class")).map(Object::toString),
        image(row),
        new PromptSource(text(row, "source_file"), (Long) row.get("source_line")),
        (Integer) row.get("image_index"),
        (Integer) row.get("width"),
        (Integer) row.get("height"),
        Collections.unmodifiableList(facts));
  }

  private static Optional<StoredObject> image(GenericRecord row) {
    if (row.get("file_name") == null) {
      return Optional.empty();
    }
    return Optional.of(
        new StoredObject(
            text(row, "file_name"),
            (Long) row.get("bytes"),
            text(row, "crc32c"),
            text(row, "sha256")));
  }

  private static String text(GenericRecord row, String column) {
    return row.get(column).toString();
  }

  /** A column of {@link #FACTS}. */
  JsonNode fact(String column) {
    return facts.get(FACTS.indexOf(column));
  }
}
