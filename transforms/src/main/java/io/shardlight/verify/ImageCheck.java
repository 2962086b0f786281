package io.shardlight.verify;

import io.shardlight.data.StoredObject;
import io.shardlight.images.DecodedImage;
import java.io.IOException;
import java.util.Optional;
import org.apache.avro.generic.GenericRecord;

/** Compares an image's bytes with its row of the manifest. */
final class ImageCheck {
  private ImageCheck() {}

  /** What is wrong with it; empty if it is what the row says, and can be decoded. */
  static Optional<String> problem(GenericRecord row, byte[] image) {
    String name = row.get("file_name").toString();
    StoredObject wanted =
        new StoredObject(
            name,
            row.get("bytes") instanceof Long bytes ? bytes : -1,
            String.valueOf(row.get("crc32c")),
            String.valueOf(row.get("sha256")));
    StoredObject found = StoredObject.of(name, image);
    if (!found.equals(wanted)) {
      return Optional.of(difference("its row of the manifest", wanted, found));
    }
    try {
      DecodedImage.decode(image, (Integer) row.get("width"), (Integer) row.get("height"));
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(
          "must be a picture of "
              + row.get("width")
              + "x"
              + row.get("height")
              + ", as its row of the manifest says, but is "
              + e.getMessage());
    }
  }

  /** "must have 10 bytes …, as its marker says, but has …". */
  static String difference(String source, StoredObject wanted, StoredObject found) {
    return "must have "
        + facts(wanted)
        + ", as "
        + source
        + " says, but has "
        + (found.bytes() == wanted.bytes()
            ? facts(found).replaceFirst("^.* bytes, ", "")
            : facts(found));
  }

  private static String facts(StoredObject object) {
    return object.bytes() + " bytes, CRC32C " + object.crc32c() + ", SHA-256 " + object.sha256();
  }
}
