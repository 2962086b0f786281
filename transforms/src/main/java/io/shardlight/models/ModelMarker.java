package io.shardlight.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.Sha256;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.hub.RepositoryPath;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is written last beside the files of a staged model: with it they are all there.
 *
 * @param id {@code owner/name} on the Hub, else the name of the directory it came from
 * @param revision commit on the Hub; empty if it came from elsewhere
 * @param modelSha256 as {@link io.shardlight.diffusion.weights.ModelDirectory#sha256()}
 * @param files sorted by name
 */
public record ModelMarker(
    String id,
    String revision,
    Optional<LicenseTerms> license,
    String modelSha256,
    List<StoredObject> files) {
  /** Its name in the folder of the model. */
  public static final String NAME = "shardlight-model.json";

  private static final int FORMAT_VERSION = 1;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The same marker is always the same bytes. */
  public byte[] toBytes() {
    ObjectNode json = JSON.createObjectNode();
    json.put("format_version", FORMAT_VERSION);
    json.put("id", id);
    json.put("revision", revision);
    license.ifPresent(terms -> json.put("license", terms.id()).put("license_link", terms.link()));
    json.put("model_sha256", modelSha256);
    ArrayNode list = json.putArray("files");
    files.forEach(file -> list.add(file.toJson()));
    try {
      String text = JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
      return text.replace("\r", "").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Reads a marker.
   *
   * @param where it lies, for the message
   * @throws IOException if it is none
   */
  public static ModelMarker parse(byte[] content, String where) throws IOException {
    try {
      JsonNode json = JSON.readTree(content);
      if (json.path("format_version").asInt() != FORMAT_VERSION) {
        throw new IllegalArgumentException(
            "format_version must be %d, but is %s"
                .formatted(FORMAT_VERSION, json.path("format_version")));
      }
      List<StoredObject> files = new ArrayList<>();
      for (JsonNode file : json.required("files")) {
        StoredObject object = StoredObject.fromJson(file);
        if (!RepositoryPath.isSafe(object.name()) || object.bytes() < 0) {
          throw new IllegalArgumentException("a file cannot be " + file);
        }
        files.add(object);
      }
      String license = json.path("license").asText("");
      return new ModelMarker(
          json.required("id").asText(),
          json.required("revision").asText(),
          license.isEmpty()
              ? Optional.empty()
              : Optional.of(new LicenseTerms(license, json.path("license_link").asText(""))),
          json.required("model_sha256").asText(),
          List.copyOf(files));
    } catch (JsonProcessingException | IllegalArgumentException e) {
      throw new IOException(
          where
              + "/"
              + NAME
              + " is not what stage writes ("
              + firstLine(e)
              + "); stage the model anew, into another folder",
          e);
    }
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  /** Tells this marker from all others. */
  String digest() {
    return Sha256.hex(toBytes());
  }

  /** The model in words: {@code owner/name at 0123…}. */
  public String title() {
    return id + (revision.isEmpty() ? "" : " at " + revision);
  }
}
