package io.shardlight.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/**
 * An object of the dataset and what its bytes must be.
 *
 * @param name relative to the dataset's root
 * @param crc32c eight lower-case hex digits, Castagnoli
 * @param sha256 lower-case hex
 */
public record StoredObject(String name, long bytes, String crc32c, String sha256) {
  public static StoredObject of(String name, byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content);
    return new StoredObject(
        name,
        content.length,
        HexFormat.of().toHexDigits((int) crc.getValue()),
        Sha256.hex(content));
  }

  /**
   * @param content a local file, read to its end; it may be large
   */
  public static StoredObject of(String name, Path content) throws IOException {
    CRC32C crc = new CRC32C();
    MessageDigest sha256 = Sha256.digest();
    long bytes = 0;
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(content)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        crc.update(buffer, 0, read);
        sha256.update(buffer, 0, read);
        bytes += read;
      }
    }
    return new StoredObject(
        name,
        bytes,
        HexFormat.of().toHexDigits((int) crc.getValue()),
        HexFormat.of().formatHex(sha256.digest()));
  }

  /** As it stands in commit markers. */
  ObjectNode toJson() {
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
  static StoredObject fromJson(JsonNode json) {
    return new StoredObject(
        json.required("name").asText(),
        json.required("bytes").longValue(),
        json.required("crc32c").asText(),
        json.required("sha256").asText());
  }
}
