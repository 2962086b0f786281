package io.shardlight.gallery;

import ar.com.hjg.pngj.FilterType;
import ar.com.hjg.pngj.ImageInfo;
import ar.com.hjg.pngj.ImageLineByte;
import ar.com.hjg.pngj.PngWriter;
import ar.com.hjg.pngj.chunks.PngChunkITXT;
import io.shardlight.images.DecodedImage;
import io.shardlight.images.Pixels;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.plugins.jpeg.JPEGImageWriteParam;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Eight-bit RGB pixels: read from a file's bytes, made smaller, written. Immutable. */
final class Picture {
  /** A decoded file, and A1111's text in it where there is one. */
  record Decoded(Picture picture, Optional<String> parameters) {}

  private static final int CHANNELS = 3;

  /**
   * With Paeth's filter on every row as small as level 9 with any choice of filters, in a seventh
   * of the time: whoever runs a job waits for its sheet.
   */
  private static final int PNG_LEVEL = 6;

  private final int width;
  private final int height;

  /** Rows from the top, three bytes a pixel. */
  private final byte[] rgb;

  private Picture(int width, int height, byte[] rgb) {
    this.width = width;
    this.height = height;
    this.rgb = rgb;
  }

  /** Without alpha, whatever the image has. */
  static Picture of(BufferedImage image) {
    return new Picture(image.getWidth(), image.getHeight(), Pixels.rgb(image));
  }

  /**
   * Decodes a PNG, JPEG or WebP as this program writes them, or whatever Java has a reader for.
   *
   * @param widthPixels what the picture must measure; nothing is allocated for any other
   * @throws IOException if the file is damaged or of a format that Java cannot read
   */
  static Decoded decode(byte[] file, int widthPixels, int heightPixels) throws IOException {
    DecodedImage image = DecodedImage.decode(file, widthPixels, heightPixels);
    return new Decoded(new Picture(widthPixels, heightPixels, image.rgb()), image.parameters());
  }

  int width() {
    return width;
  }

  int height() {
    return height;
  }

  /** The picture itself if its longer side has at most so many pixels, else made smaller to it. */
  Picture fit(int longestSide) {
    int longer = Math.max(width, height);
    if (longer <= longestSide) {
      return this;
    }
    int newWidth = Math.max(1, Math.round((float) width * longestSide / longer));
    int newHeight = Math.max(1, Math.round((float) height * longestSide / longer));
    return shrink(newWidth, newHeight);
  }

  /** Each new pixel is the mean of the area it covers, rows first. */
  private Picture shrink(int newWidth, int newHeight) {
    Coverage across = Coverage.of(width, newWidth);
    float[] narrow = new float[CHANNELS * newWidth * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < newWidth; x++) {
        for (int c = 0; c < CHANNELS; c++) {
          float sum = 0;
          int from = CHANNELS * (y * width + across.first(x)) + c;
          for (int i = 0; i < across.count(x); i++) {
            sum += across.weight(x, i) * (rgb[from + CHANNELS * i] & 0xff);
          }
          narrow[CHANNELS * (y * newWidth + x) + c] = sum;
        }
      }
    }
    Coverage down = Coverage.of(height, newHeight);
    int rowValues = CHANNELS * newWidth;
    byte[] small = new byte[rowValues * newHeight];
    for (int y = 0; y < newHeight; y++) {
      for (int x = 0; x < rowValues; x++) {
        float sum = 0;
        for (int i = 0; i < down.count(y); i++) {
          sum += down.weight(y, i) * narrow[(down.first(y) + i) * rowValues + x];
        }
        small[y * rowValues + x] = (byte) Math.min(255, Math.round(sum));
      }
    }
    return new Picture(newWidth, newHeight, small);
  }

  /**
   * Which old pixels each new one covers along one axis, and how much of it each of them fills.
   *
   * @param starts index of the first old pixel
   * @param weights sums to 1 for each new pixel
   */
  @SuppressWarnings("ArrayRecordComponent") // local to the two loops above
  private record Coverage(int[] starts, float[][] weights) {
    static Coverage of(int before, int after) {
      int[] starts = new int[after];
      float[][] weights = new float[after][];
      double step = (double) before / after;
      for (int i = 0; i < after; i++) {
        double from = i * step;
        double to = Math.min(before, from + step);
        int first = (int) from;
        int last = Math.max(first, (int) Math.ceil(to - 1e-9) - 1);
        starts[i] = first;
        weights[i] = new float[last - first + 1];
        for (int k = first; k <= last; k++) {
          weights[i][k - first] = (float) ((Math.min(to, k + 1) - Math.max(from, k)) / (to - from));
        }
      }
      return new Coverage(starts, weights);
    }

    int first(int i) {
      return starts[i];
    }

    int count(int i) {
      return weights[i].length;
    }

    float weight(int i, int k) {
      return weights[i][k];
    }
  }

  BufferedImage toImage() {
    return Pixels.image(width, height, rgb);
  }

  /**
   * @param quality 0 to 1, as ImageIO has it
   * @return a JPEG file
   */
  byte[] toJpeg(float quality) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(8192);
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      JPEGImageWriteParam parameters = new JPEGImageWriteParam(null);
      parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      parameters.setCompressionQuality(quality);
      parameters.setOptimizeHuffmanTables(true);
      writer.setOutput(out);
      writer.write(null, new IIOImage(toImage(), null, null), parameters);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /**
   * @param xmp a packet that says where the picture comes from
   * @return a PNG file
   */
  byte[] toPng(String xmp) {
    ImageInfo info = new ImageInfo(width, height, 8, false);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(rgb.length / 2);
    PngWriter writer = new PngWriter(bytes, info);
    writer.setFilterType(FilterType.FILTER_PAETH);
    writer.setCompLevel(PNG_LEVEL);
    PngChunkITXT packet = new PngChunkITXT(info);
    packet.setKeyVal("XML:com.adobe.xmp", xmp);
    packet.setPriority(true);
    writer.queueChunk(packet);
    int rowBytes = CHANNELS * width;
    for (int y = 0; y < height; y++) {
      writer.writeRow(
          new ImageLineByte(info, Arrays.copyOfRange(rgb, y * rowBytes, (y + 1) * rowBytes)));
    }
    writer.end();
    return bytes.toByteArray();
  }
}
