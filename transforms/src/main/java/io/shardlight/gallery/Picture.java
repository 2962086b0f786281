package io.shardlight.gallery;

import ar.com.hjg.pngj.FilterType;
import ar.com.hjg.pngj.IImageLine;
import ar.com.hjg.pngj.ImageInfo;
import ar.com.hjg.pngj.ImageLineByte;
import ar.com.hjg.pngj.PngReaderByte;
import ar.com.hjg.pngj.PngWriter;
import ar.com.hjg.pngj.PngjException;
import ar.com.hjg.pngj.chunks.PngChunkITXT;
import io.shardlight.images.ExifComment;
import io.shardlight.images.WebpFormat;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.plugins.jpeg.JPEGImageWriteParam;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Eight-bit RGB pixels: read from a file's bytes, made smaller, written. Immutable. */
final class Picture {
  /** A decoded file, and A1111's text in it where there is one. */
  record Decoded(Picture picture, Optional<String> parameters) {}

  private static final int CHANNELS = 3;
  private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  /** A sheet is written once and looked at often. */
  private static final int PNG_LEVEL = 9;

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
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] rgb = new byte[CHANNELS * width * height];
    int[] row = new int[width];
    int at = 0;
    for (int y = 0; y < height; y++) {
      image.getRGB(0, y, width, 1, row, 0, width);
      for (int pixel : row) {
        rgb[at++] = (byte) (pixel >> 16);
        rgb[at++] = (byte) (pixel >> 8);
        rgb[at++] = (byte) pixel;
      }
    }
    return new Picture(width, height, rgb);
  }

  /**
   * Decodes a PNG, JPEG or WebP as this program writes them, or whatever Java has a reader for.
   *
   * @param widthPixels what the picture must measure; nothing is allocated for any other
   * @throws IOException if the file is damaged or of a format that Java cannot read
   */
  static Decoded decode(byte[] file, int widthPixels, int heightPixels) throws IOException {
    try {
      return Arrays.mismatch(file, PNG_SIGNATURE) == PNG_SIGNATURE.length
          ? decodePng(file, widthPixels, heightPixels)
          : new Decoded(decodeOther(file, widthPixels, heightPixels), ExifComment.find(file));
    } catch (PngjException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // What decoders throw at damaged files, apart from IOException.
      throw new IOException("not a picture that can be read: " + e.getMessage(), e);
    }
  }

  private static Decoded decodePng(byte[] file, int widthPixels, int heightPixels)
      throws IOException {
    PngReaderByte reader = new PngReaderByte(new ByteArrayInputStream(file));
    try {
      ImageInfo info = reader.imgInfo;
      requireSize(info.cols, info.rows, widthPixels, heightPixels);
      if (info.channels != CHANNELS || info.bitDepth != 8) {
        return new Decoded(decodeOther(file, widthPixels, heightPixels), Optional.empty());
      }
      int rowBytes = CHANNELS * widthPixels;
      byte[] rgb = new byte[rowBytes * heightPixels];
      for (int y = 0; y < heightPixels; y++) {
        IImageLine line = reader.readRow();
        if (line instanceof ImageLineByte bytes) {
          System.arraycopy(bytes.getScanline(), 0, rgb, y * rowBytes, rowBytes);
        }
      }
      String parameters = reader.getMetadata().getTxtForKey("parameters");
      return new Decoded(
          new Picture(widthPixels, heightPixels, rgb),
          Optional.of(parameters).filter(text -> !text.isEmpty()));
    } finally {
      reader.close();
    }
  }

  private static Picture decodeOther(byte[] file, int widthPixels, int heightPixels)
      throws IOException {
    if (WebpFormat.is(file)) {
      return read(WebpFormat.reader(file), widthPixels, heightPixels);
    }
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      var readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        throw new IOException("no picture, or of a format that Java cannot read");
      }
      ImageReader reader = readers.next();
      reader.setInput(in, true, true);
      return read(reader, widthPixels, heightPixels);
    }
  }

  private static Picture read(ImageReader reader, int widthPixels, int heightPixels)
      throws IOException {
    try {
      requireSize(reader.getWidth(0), reader.getHeight(0), widthPixels, heightPixels);
      return of(reader.read(0));
    } finally {
      reader.dispose();
    }
  }

  private static void requireSize(int width, int height, int wantedWidth, int wantedHeight)
      throws IOException {
    if (width != wantedWidth || height != wantedHeight) {
      throw new IOException(
          String.format(
              "picture must measure %dx%d, but measures %dx%d",
              wantedWidth, wantedHeight, width, height));
    }
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
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    int[] row = new int[width];
    int at = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++, at += CHANNELS) {
        row[x] = (rgb[at] & 0xff) << 16 | (rgb[at + 1] & 0xff) << 8 | (rgb[at + 2] & 0xff);
      }
      image.setRGB(0, y, width, 1, row, 0, width);
    }
    return image;
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
    writer.setFilterType(FilterType.FILTER_ADAPTIVE_FULL);
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
