package io.shardlight.images;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.plugins.jpeg.JPEGImageWriteParam;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Encodes pictures as baseline JPEG with the JDK's own encoder. Colour is kept at full resolution
 * (4:4:4), as halving it blurs what a trainer would learn. Thread-safe; the same picture gives the
 * same bytes on one release of Java.
 */
public final class JpegEncoder {
  private static final String FORMAT = "javax_imageio_jpeg_image_1.0";

  static {
    Pixels.needNoDisplay();
  }

  private JpegEncoder() {}

  /**
   * @param rgb rows from the top, three bytes a pixel
   * @param quality 1 to 100, as libjpeg counts it above 50
   * @param parameters A1111's text, for EXIF; left out if it takes more than a segment's 64 KiB
   * @param xmp an XMP packet
   * @return the whole file
   */
  public static byte[] encode(
      int widthPixels, int heightPixels, byte[] rgb, int quality, String parameters, String xmp) {
    byte[] jpeg = encode(Pixels.image(widthPixels, heightPixels, rgb), quality);
    int at = JpegSegments.first(jpeg);
    jpeg = JpegSegments.insert(jpeg, at, JpegSegments.XMP, xmp.getBytes(StandardCharsets.UTF_8));
    byte[] exif = ExifComment.of(parameters);
    return JpegSegments.fits(JpegSegments.EXIF, exif)
        ? JpegSegments.insert(jpeg, at, JpegSegments.EXIF, exif)
        : jpeg;
  }

  private static byte[] encode(BufferedImage image, int quality) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 16);
    try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
      JPEGImageWriteParam parameters = new JPEGImageWriteParam(null);
      parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      parameters.setCompressionQuality(quality / 100f);
      parameters.setOptimizeHuffmanTables(true);
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(
              ImageTypeSpecifier.createFromRenderedImage(image), parameters);
      Node root = metadata.getAsTree(FORMAT);
      keepColour(root);
      metadata.setFromTree(FORMAT, root);
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, metadata), parameters);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /** Luminance is sampled twice as often as colour unless told otherwise. */
  private static void keepColour(Node root) {
    NodeList components = ((Element) root).getElementsByTagName("componentSpec");
    for (int i = 0; i < components.getLength(); i++) {
      Element component = (Element) components.item(i);
      component.setAttribute("HsamplingFactor", "1");
      component.setAttribute("VsamplingFactor", "1");
    }
  }
}
