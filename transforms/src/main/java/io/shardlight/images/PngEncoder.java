package io.shardlight.images;

import ar.com.hjg.pngj.FilterType;
import ar.com.hjg.pngj.ImageInfo;
import ar.com.hjg.pngj.ImageLineByte;
import ar.com.hjg.pngj.PngWriter;
import ar.com.hjg.pngj.chunks.PngChunkITXT;
import ar.com.hjg.pngj.chunks.PngChunkTEXT;
import ar.com.hjg.pngj.chunks.PngChunkTextVar;
import java.io.ByteArrayOutputStream;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Encodes images as eight-bit RGB PNG with texts in front, the same image always to the same bytes.
 * Filter and level are pngj's best trade for noisy pictures: half the size of what ImageIO writes
 * in the same time, without {@code java.awt} on the workers. Thread-safe.
 */
public final class PngEncoder {
  private static final int CHANNELS = 3;
  private static final int DEFLATE_LEVEL = 4;
  private static final String XMP_KEYWORD = "XML:com.adobe.xmp";

  private PngEncoder() {}

  /**
   * @param rgb rows from the top, three bytes a pixel
   * @param parameters A1111's text; without U+0000
   * @param xmp an XMP packet
   * @return the whole file
   */
  public static byte[] encode(
      int widthPixels, int heightPixels, byte[] rgb, String parameters, String xmp) {
    ImageInfo info = new ImageInfo(widthPixels, heightPixels, 8, false);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(rgb.length / 2);
    PngWriter writer = new PngWriter(bytes, info);
    writer.setFilterType(FilterType.FILTER_ADAPTIVE_FAST);
    writer.setCompLevel(DEFLATE_LEVEL);
    PngChunkITXT packet = new PngChunkITXT(info);
    packet.setKeyVal(XMP_KEYWORD, xmp);
    for (PngChunkTextVar chunk : List.of(text(info, "parameters", parameters), packet)) {
      // Without priority pngj writes texts behind the pixels, where some readers never look.
      chunk.setPriority(true);
      writer.queueChunk(chunk);
    }
    int rowBytes = CHANNELS * widthPixels;
    for (int y = 0; y < heightPixels; y++) {
      // pngj's line takes over its array, so it gets its own.
      byte[] row = Arrays.copyOfRange(rgb, y * rowBytes, (y + 1) * rowBytes);
      writer.writeRow(new ImageLineByte(info, row));
    }
    writer.end();
    return bytes.toByteArray();
  }

  /** tEXt, which every reader knows, holds Latin-1 only; iTXt holds UTF-8. */
  private static PngChunkTextVar text(ImageInfo info, String keyword, String text) {
    CharsetEncoder latin1 = StandardCharsets.ISO_8859_1.newEncoder();
    PngChunkTextVar chunk =
        latin1.canEncode(text) ? new PngChunkTEXT(info) : new PngChunkITXT(info);
    chunk.setKeyVal(keyword, text);
    return chunk;
  }
}
