package io.shardlight.images;

import com.luciad.imageio.webp.CompressionType;
import com.luciad.imageio.webp.WebPImageReaderSpi;
import com.luciad.imageio.webp.WebPImageWriterSpi;
import com.luciad.imageio.webp.WebPWriteParam;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageReader;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageInputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * Encodes and decodes WebP with libwebp, which comes as native code and is unpacked at the first
 * call. Pictures are lossy; their colour has half the resolution, as the format wants it, and is
 * halved with care for edges. Thread-safe; the same picture gives the same bytes.
 */
public final class WebpFormat {
  static {
    Pixels.needNoDisplay();
  }

  private WebpFormat() {}

  /**
   * @param rgb rows from the top, three bytes a pixel
   * @param quality 1 to 100, as libwebp counts it
   * @param parameters A1111's text, for EXIF
   * @param xmp an XMP packet
   * @return the whole file
   * @throws IllegalStateException if there is no native code for this machine
   */
  public static byte[] encode(
      int widthPixels, int heightPixels, byte[] rgb, int quality, String parameters, String xmp) {
    BufferedImage image = Pixels.image(widthPixels, heightPixels, rgb);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriter writer = new WebPImageWriterSpi().createWriterInstance(null);
      try {
        WebPWriteParam settings = new WebPWriteParam(Locale.ROOT);
        settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        settings.setCompressionType(CompressionType.Lossy);
        settings.setCompressionQuality(quality / 100f);
        settings.setUseSharpYUV(true);
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, null), settings);
      } finally {
        writer.dispose();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (LinkageError e) {
      throw noNativeCode(e);
    }
    return WebpChunks.extend(
        bytes.toByteArray(),
        widthPixels,
        heightPixels,
        ExifComment.of(parameters),
        xmp.getBytes(StandardCharsets.UTF_8));
  }

  /** Whether the bytes begin as WebP files do. */
  public static boolean is(byte[] file) {
    return WebpChunks.isWebp(file);
  }

  /**
   * A reader of a file's pixels, to be disposed of; nothing has been decoded.
   *
   * @throws IllegalStateException if there is no native code for this machine
   */
  public static ImageReader reader(byte[] file) throws IOException {
    try {
      ImageReader reader = new WebPImageReaderSpi().createReaderInstance(null);
      reader.setInput(new MemoryCacheImageInputStream(new ByteArrayInputStream(file)), true, true);
      return reader;
    } catch (LinkageError e) {
      throw noNativeCode(e);
    }
  }

  private static IllegalStateException noNativeCode(LinkageError e) {
    return new IllegalStateException(
        "wanted libwebp's native code for this machine ("
            + System.getProperty("os.name")
            + ", "
            + System.getProperty("os.arch")
            + "), but it can't be loaded: "
            + e
            + "; use imageFormat jpeg or png",
        e);
  }
}
