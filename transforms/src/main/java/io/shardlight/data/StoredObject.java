package io.shardlight.data;

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
}
