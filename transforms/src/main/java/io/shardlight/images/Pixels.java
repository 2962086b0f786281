package io.shardlight.images;

import java.awt.image.BufferedImage;

/** Pixels as Java's own encoders and decoders have them, and as ours have them. */
public final class Pixels {
  private static final int CHANNELS = 3;

  private Pixels() {}

  /** A worker has no display, and nothing of ours asks for one. */
  public static void needNoDisplay() {
    if (System.getProperty("java.awt.headless") == null) {
      System.setProperty("java.awt.headless", "true");
    }
  }

  /**
   * @param rgb rows from the top, three bytes a pixel
   */
  public static BufferedImage image(int width, int height, byte[] rgb) {
    if (rgb.length != CHANNELS * width * height) {
      throw new IllegalArgumentException(
          width + "x" + height + " pixels must have 3 bytes each, but there are " + rgb.length);
    }
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

  /** Rows from the top, three bytes a pixel; without alpha, whatever the image has. */
  public static byte[] rgb(BufferedImage image) {
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
    return rgb;
  }
}
