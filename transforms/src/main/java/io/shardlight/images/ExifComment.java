package io.shardlight.images;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * The user comment of EXIF, where AUTOMATIC1111's web UI keeps an image's parameters in files other
 * than PNG. Written big-endian and as UTF-16, as that program does.
 *
 * @see <a href="https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E">Exif
 *     3.0, sections 4.5.2 and 4.6.6</a>
 */
public final class ExifComment {
  private static final byte[] UNICODE = "UNICODE\0".getBytes(StandardCharsets.US_ASCII);
  private static final short LONG = 4;
  private static final short UNDEFINED = 7;
  private static final short EXIF_POINTER = (short) 0x8769;
  private static final short USER_COMMENT = (short) 0x9286;

  /** Of the header that says how bytes are ordered and where the first directory lies. */
  private static final int HEADER_BYTES = 8;

  /** Of a directory with one entry: count, entry, and no next directory. */
  private static final int DIRECTORY_BYTES = 2 + 12 + 4;

  private ExifComment() {}

  /** A TIFF structure that holds the text and nothing else. */
  static byte[] of(String text) {
    byte[] utf16 = text.getBytes(StandardCharsets.UTF_16BE);
    int exif = HEADER_BYTES + DIRECTORY_BYTES;
    int comment = exif + DIRECTORY_BYTES;
    int length = UNICODE.length + utf16.length;
    ByteBuffer tiff = ByteBuffer.allocate(comment + length);
    tiff.put((byte) 'M').put((byte) 'M').putShort((short) 42).putInt(HEADER_BYTES);
    tiff.putShort((short) 1).putShort(EXIF_POINTER).putShort(LONG).putInt(1).putInt(exif).putInt(0);
    tiff.putShort((short) 1).putShort(USER_COMMENT).putShort(UNDEFINED);
    tiff.putInt(length).putInt(comment).putInt(0);
    return tiff.put(UNICODE).put(utf16).array();
  }

  /**
   * Finds the comment of a JPEG or WebP file that this program wrote.
   *
   * @return empty if there is none, or none of that form
   */
  public static Optional<String> find(byte[] file) {
    Optional<ByteBuffer> tiff =
        WebpChunks.isWebp(file)
            ? WebpChunks.find(file, "EXIF")
            : JpegSegments.find(file, JpegSegments.EXIF);
    return tiff.flatMap(ExifComment::text);
  }

  private static Optional<String> text(ByteBuffer tiff) {
    int entry = HEADER_BYTES + DIRECTORY_BYTES + 2;
    int comment = HEADER_BYTES + 2 * DIRECTORY_BYTES + UNICODE.length;
    if (tiff.remaining() < comment
        || tiff.getShort(0) != 0x4d4d
        || tiff.getShort(entry) != USER_COMMENT) {
      return Optional.empty();
    }
    return Optional.of(
        StandardCharsets.UTF_16BE.decode(tiff.duplicate().position(comment)).toString());
  }
}
