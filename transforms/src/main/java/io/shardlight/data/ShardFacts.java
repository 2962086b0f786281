package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a committed shard holds: the content of its marker. Nothing here depends on devices, workers
 * or attempts.
 *
 * @param exampleIdsSha256 hash over the sorted example ids, each followed by a newline
 * @param blocked images that were drawn and not kept
 * @param flagged images, kept or not, in which a safety checker found something; empty if none
 *     looked
 * @param duplicates examples planned again with an id that is in the shard already
 * @param imageBytes of all images together
 * @param archive all images, with {@code layout=webdataset}
 * @param manifests the shard's rows, once in each format, the one to be read first
 */
public record ShardFacts(
    int shard,
    String configFingerprint,
    String exampleIdsSha256,
    long ok,
    long failed,
    long blocked,
    Optional<Long> flagged,
    long duplicates,
    long imageBytes,
    Optional<StoredObject> archive,
    List<StoredObject> manifests) {
  private static final ObjectMapper JSON = new ObjectMapper();

  public ShardFacts {
    manifests = List.copyOf(manifests);
    if (manifests.isEmpty()) {
      throw new IllegalArgumentException("a shard marker must name a manifest, but names none");
    }
  }

  /** Of a shard at which no safety checker looked. */
  public ShardFacts(
      int shard,
      String configFingerprint,
      String exampleIdsSha256,
      long ok,
      long failed,
      long blocked,
      long duplicates,
      long imageBytes,
      Optional<StoredObject> archive,
      List<StoredObject> manifests) {
    this(
        shard,
        configFingerprint,
        exampleIdsSha256,
        ok,
        failed,
        blocked,
        Optional.empty(),
        duplicates,
        imageBytes,
        archive,
        manifests);
  }

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
    flagged.ifPresent(count -> json.put("flagged", count));
    json.put("duplicates", duplicates);
    json.put("image_bytes", imageBytes);
    archive.ifPresent(object -> json.set("archive", object.toJson()));
    ArrayNode objects = json.putArray("manifests");
    manifests.forEach(object -> objects.add(object.toJson()));
    return CanonicalJson.write(json);
  }

  /** The whole marker. */
  public byte[] toMarker() {
    return (toJson() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /**
   * @throws IllegalArgumentException if the text isn't what {@link #toJson} writes
   */
  public static ShardFacts fromJson(String text) {
    try {
      JsonNode json = JSON.readTree(text);
      List<StoredObject> manifests = new ArrayList<>();
      json.required("manifests").forEach(object -> manifests.add(StoredObject.fromJson(object)));
      ShardFacts facts =
          new ShardFacts(
              json.required("shard").intValue(),
              json.required("config_fingerprint").asText(),
              json.required("example_ids_sha256").asText(),
              json.required("ok").longValue(),
              json.required("failed").longValue(),
              json.required("blocked").longValue(),
              Optional.ofNullable(json.get("flagged")).map(JsonNode::longValue),
              json.required("duplicates").longValue(),
              json.required("image_bytes").longValue(),
              Optional.ofNullable(json.get("archive")).map(StoredObject::fromJson),
              manifests);
      if (!facts.toJson().equals(text.strip())) {
        throw new IllegalArgumentException(
            "a shard marker must be canonical JSON of the types and names it is written with");
      }
      return facts;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("a shard marker must be JSON: " + e.getOriginalMessage());
    }
  }
}
