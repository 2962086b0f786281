package io.shardlight.images;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The chunks of a WebP file: a name of four letters, a length, content, and a zero if that is odd.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9649#section-2">RFC 9649, section 2</a>
 */
final class WebpChunks {
  private static final int FILE_HEADER_BYTES = 12;
  private static final int HEADER_BYTES = 8;
  private static final int EXTENDED_BYTES = 10;
  private static final int HAS_XMP = 4;
  private static final int HAS_EXIF = 8;

  private WebpChunks() {}

  static boolean isWebp(byte[] file) {
    return file.length >= FILE_HEADER_BYTES && name(file, 0, "RIFF") && name(file, 8, "WEBP");
  }

  private static boolean name(byte[] file, int at, String name) {
    return new String(file, at, 4, StandardCharsets.US_ASCII).equals(name);
  }

  /**
   * Puts a file of one simple chunk into the extended format, which can say more.
   *
   * @param webp without alpha
   */
  static byte[] extend(byte[] webp, int widthPixels, int heightPixels, byte[] exif, byte[] xmp) {
    int image = webp.length - FILE_HEADER_BYTES;
    int bytes =
        FILE_HEADER_BYTES + HEADER_BYTES + EXTENDED_BYTES + image + padded(exif) + padded(xmp);
    ByteBuffer file = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    file.put(ascii("RIFF")).putInt(bytes - HEADER_BYTES).put(ascii("WEBP"));
    file.put(ascii("VP8X")).putInt(EXTENDED_BYTES).putInt(HAS_EXIF | HAS_XMP);
    putInt24(file, widthPixels - 1);
    putInt24(file, heightPixels - 1);
    file.put(webp, FILE_HEADER_BYTES, image);
    put(file, "EXIF", exif);
    put(file, "XMP ", xmp);
    return file.array();
  }

  private static byte[] ascii(String name) {
    return name.getBytes(StandardCharsets.US_ASCII);
  }

  private static int padded(byte[] content) {
    return HEADER_BYTES + content.length + content.length % 2;
  }

  private static void putInt24(ByteBuffer file, int value) {
    file.putShort((short) value).put((byte) (value >> 16));
  }

  private static void put(ByteBuffer file, String name, byte[] content) {
    file.put(ascii(name)).putInt(content.length).put(content);
    if (content.length % 2 == 1) {
      file.put((byte) 0);
    }
  }

  /** The content of the first chunk of that name. */
  static Optional<ByteBuffer> find(byte[] webp, String name) {
    ByteBuffer file = ByteBuffer.wrap(webp).order(ByteOrder.LITTLE_ENDIAN);
    for (long at = FILE_HEADER_BYTES; at + HEADER_BYTES <= webp.length; ) {
      int length = file.getInt((int) at + 4);
      long content = at + HEADER_BYTES;
      if (length < 0 || content + length > webp.length) {
        return Optional.empty();
      }
      if (name(webp, (int) at, name)) {
        return Optional.of(ByteBuffer.wrap(webp, (int) content, length).slice());
      }
      at = content + length + length % 2;
    }
    return Optional.empty();
  }
}
