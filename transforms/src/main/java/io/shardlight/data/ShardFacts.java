package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * What a committed shard holds: the content of its marker. Nothing here depends on devices, workers
 * or attempts.
 *
 * @param exampleIdsSha256 hash over the sorted example ids, each followed by a newline
 * @param duplicates examples planned again with an id that is in the shard already
 * @param imageBytes of all images together
 * @param manifest the shard's rows
 */
public record ShardFacts(
    int shard,
    String configFingerprint,
    String exampleIdsSha256,
    long ok,
    long failed,
    long blocked,
    long duplicates,
    long imageBytes,
    StoredObject manifest) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Rows of the manifest. */
  public long rows() {
    return ok + failed + blocked;
  }

  /** Hash over ids in the order given. */
  public static String hashIds(List<String> sortedIds) {
    return Sha256.hex(String.join("\n", sortedIds) + "\n");
  }

  /** One line of canonical JSON. */
  public String toJson() {
    ObjectNode json = JSON.createObjectNode();
    json.put("shard", shard);
    json.put("config_fingerprint", configFingerprint);
    json.put("example_ids_sha256", exampleIdsSha256);
    json.put("ok", ok);
    json.put("failed", failed);
    json.put("blocked", blocked);
    json.put("duplicates", duplicates);
    json.put("image_bytes", imageBytes);
    ObjectNode object = json.putObject("manifest");
    object.put("name", manifest.name());
    object.put("bytes", manifest.bytes());
    object.put("crc32c", manifest.crc32c());
    object.put("sha256", manifest.sha256());
    return CanonicalJson.write(json);
  }

  /**
   * @throws IllegalArgumentException if the text isn't what {@link #toJson} writes
   */
  public static ShardFacts fromJson(String text) {
    try {
      JsonNode json = JSON.readTree(text);
      JsonNode object = json.required("manifest");
      return new ShardFacts(
          json.required("shard").intValue(),
          json.required("config_fingerprint").textValue(),
          json.required("example_ids_sha256").textValue(),
          json.required("ok").longValue(),
          json.required("failed").longValue(),
          json.required("blocked").longValue(),
          json.required("duplicates").longValue(),
          json.required("image_bytes").longValue(),
          new StoredObject(
              object.required("name").textValue(),
              object.required("bytes").longValue(),
              object.required("crc32c").textValue(),
              object.required("sha256").textValue()));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("a shard marker must be JSON: " + e.getOriginalMessage());
    }
  }
}
