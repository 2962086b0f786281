package io.shardlight.images;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/** The segments in front of a JPEG file's pixels: a marker, a length, and content. */
final class JpegSegments {
  /** In front of EXIF in an APP1 segment. */
  static final byte[] EXIF = "Exif\0\0".getBytes(StandardCharsets.US_ASCII);

  /** In front of XMP in an APP1 segment. */
  static final byte[] XMP = "http://ns.adobe.com/xap/1.0/\0".getBytes(StandardCharsets.US_ASCII);

  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int START_OF_SCAN = 0xda;

  /** A length has two bytes and counts itself. */
  private static final int MOST_BYTES = 0xffff - 2;

  private JpegSegments() {}

  /** Whether a segment can hold so much after its name. */
  static boolean fits(byte[] name, byte[] content) {
    return name.length + content.length <= MOST_BYTES;
  }

  /**
   * @param at end of the segment that stands before it
   */
  static byte[] insert(byte[] jpeg, int at, byte[] name, byte[] content) {
    ByteBuffer file = ByteBuffer.allocate(jpeg.length + 4 + name.length + content.length);
    file.put(jpeg, 0, at).put((byte) 0xff).put((byte) APP1);
    file.putShort((short) (2 + name.length + content.length)).put(name).put(content);
    return file.put(jpeg, at, jpeg.length - at).array();
  }

  /** Where EXIF is to stand: behind the start of the image and JFIF's segment, if there is one. */
  static int first(byte[] jpeg) {
    boolean jfif = jpeg.length > 6 && (jpeg[2] & 0xff) == 0xff && (jpeg[3] & 0xff) == APP0;
    return jfif ? 4 + length(jpeg, 4) : 2;
  }

  private static int length(byte[] jpeg, int at) {
    return (jpeg[at] & 0xff) << 8 | (jpeg[at + 1] & 0xff);
  }

  /** The content of the first APP1 segment of that name. */
  static Optional<ByteBuffer> find(byte[] jpeg, byte[] name) {
    for (int at = 2; at + 4 <= jpeg.length && (jpeg[at] & 0xff) == 0xff; ) {
      int marker = jpeg[at + 1] & 0xff;
      int end = at + 2 + length(jpeg, at + 2);
      if (marker == START_OF_SCAN || end > jpeg.length) {
        return Optional.empty();
      }
      int content = at + 4 + name.length;
      if (marker == APP1
          && content <= end
          && Arrays.equals(jpeg, at + 4, content, name, 0, name.length)) {
        return Optional.of(ByteBuffer.wrap(jpeg, content, end - content).slice());
      }
      at = end;
    }
    return Optional.empty();
  }
}
