package io.shardlight.data;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.CRC32C;

/** Size and hashes of an object whose bytes come piece by piece. Not thread-safe. */
public final class ObjectDigest {
  private final CRC32C crc = new CRC32C();
  private final MessageDigest sha256 = Sha256.digest();
  private long bytes;

  /** Takes the next bytes. */
  public void update(byte[] content, int offset, int length) {
    crc.update(content, offset, length);
    sha256.update(content, offset, length);
    bytes += length;
  }

  /** Bytes taken so far. */
  public long bytes() {
    return bytes;
  }

  /** The object as it must be; afterwards this begins anew. */
  public StoredObject finish(String name) {
    StoredObject object =
        new StoredObject(
            name,
            bytes,
            HexFormat.of().toHexDigits((int) crc.getValue()),
            HexFormat.of().formatHex(sha256.digest()));
    crc.reset();
    bytes = 0;
    return object;
  }
}
