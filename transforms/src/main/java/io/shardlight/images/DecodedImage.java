package io.shardlight.images;

import ar.com.hjg.pngj.IImageLine;
import ar.com.hjg.pngj.ImageInfo;
import ar.com.hjg.pngj.ImageLineByte;
import ar.com.hjg.pngj.PngReaderByte;
import ar.com.hjg.pngj.PngjException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** The pixels of a file that this program wrote, or that Java has a reader for. */
public final class DecodedImage {
  private static final int CHANNELS = 3;
  private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  static {
    Pixels.needNoDisplay();
  }

  private final byte[] rgb;
  private final Optional<String> parameters;

  private DecodedImage(byte[] rgb, Optional<String> parameters) {
    this.rgb = rgb;
    this.parameters = parameters;
  }

  /**
   * Decodes a whole file.
   *
   * @param widthPixels what the image must measure; nothing is allocated for any other
   * @throws IOException if the file is damaged or of a format that Java cannot read
   */
  public static DecodedImage decode(byte[] file, int widthPixels, int heightPixels)
      throws IOException {
    try {
      return Arrays.mismatch(file, PNG_SIGNATURE) == PNG_SIGNATURE.length
          ? decodePng(file, widthPixels, heightPixels)
          : new DecodedImage(decodeOther(file, widthPixels, heightPixels), ExifComment.find(file));
    } catch (PngjException | IllegalArgumentException | IndexOutOfBoundsException e) {
      // What decoders throw at damaged files, apart from IOException.
      throw new IOException("not a picture that can be read: " + e.getMessage(), e);
    }
  }

  private static DecodedImage decodePng(byte[] file, int widthPixels, int heightPixels)
      throws IOException {
    PngReaderByte reader = new PngReaderByte(new ByteArrayInputStream(file));
    try {
      ImageInfo info = reader.imgInfo;
      requireSize(info.cols, info.rows, widthPixels, heightPixels);
      if (info.channels != CHANNELS || info.bitDepth != 8) {
        return new DecodedImage(decodeOther(file, widthPixels, heightPixels), Optional.empty());
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
      return new DecodedImage(rgb, Optional.of(parameters).filter(text -> !text.isEmpty()));
    } finally {
      reader.close();
    }
  }

  private static byte[] decodeOther(byte[] file, int widthPixels, int heightPixels)
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

  private static byte[] read(ImageReader reader, int widthPixels, int heightPixels)
      throws IOException {
    List<String> warnings = new ArrayList<>();
    reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
    try {
      requireSize(reader.getWidth(0), reader.getHeight(0), widthPixels, heightPixels);
      byte[] rgb = Pixels.rgb(reader.read(0));
      // Java's JPEG reader fills in what is missing of a file that was cut off.
      if (!warnings.isEmpty()) {
        throw new IOException("not a whole picture: " + warnings.get(0));
      }
      return rgb;
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

  /** Rows from the top, three bytes a pixel; not a copy. */
  public byte[] rgb() {
    return rgb;
  }

  /** A1111's text in the file, where there is one. */
  public Optional<String> parameters() {
    return parameters;
  }
}
