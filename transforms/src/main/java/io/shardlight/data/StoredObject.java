package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * An object of the dataset and what its bytes must be.
 *
 * @param name relative to the dataset's root
 * @param crc32c eight lower-case hex digits, Castagnoli
 * @param sha256 lower-case hex
 */
public record StoredObject(String name, long bytes, String crc32c, String sha256) {
  public static StoredObject of(String name, byte[] content) {
    ObjectDigest digest = new ObjectDigest();
    digest.update(content, 0, content.length);
    return digest.finish(name);
  }

  /** As it stands in the markers of shards and models. */
  public ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("name", name)
        .put("bytes", bytes)
        .put("crc32c", crc32c)
        .put("sha256", sha256);
  }

  /**
   * @throws IllegalArgumentException if it isn't what {@link #toJson} makes
   */
  public static StoredObject fromJson(JsonNode json) {
    return new StoredObject(
        json.required("name").asText(),
        json.required("bytes").longValue(),
        json.required("crc32c").asText(),
        json.required("sha256").asText());
  }
}
