package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PictureTest {
  /** Columns of two pixels, black and white in turn. */
  private static BufferedImage stripes(int width, int height, int type) {
    BufferedImage image = new BufferedImage(width, height, type);
    for (int x = 0; x < width; x++) {
      for (int y = 0; y < height; y++) {
        image.setRGB(x, y, x / 2 % 2 == 0 ? 0xff000000 : 0xffffffff);
      }
    }
    return image;
  }

  private static byte[] file(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(ImageIO.write(image, format, bytes)).isTrue();
    return bytes.toByteArray();
  }

  private static int[] row(Picture picture) {
    return picture.toImage().getRGB(0, 0, picture.width(), 1, null, 0, picture.width());
  }

  @Test
  void pixelsSurviveOurPng() throws IOException {
    BufferedImage image = stripes(13, 7, BufferedImage.TYPE_INT_RGB);
    image.setRGB(3, 0, 0xff123456);

    Picture again = Picture.decode(Picture.of(image).toPng("<x/>"), 13, 7).picture();

    assertThat(row(again)).isEqualTo(image.getRGB(0, 0, 13, 1, null, 0, 13));
  }

  @ParameterizedTest
  @ValueSource(strings = {"png", "jpeg", "bmp"})
  void readsWhatJavaReads(String format) throws IOException {
    byte[] file = file(stripes(16, 8, BufferedImage.TYPE_3BYTE_BGR), format);

    assertThat(Picture.decode(file, 16, 8).picture().height()).isEqualTo(8);
  }

  @Test
  void readsPngsOfOtherColourTypes() throws IOException {
    BufferedImage gray = stripes(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    BufferedImage alpha = stripes(8, 8, BufferedImage.TYPE_INT_ARGB);

    assertThat(row(Picture.decode(file(gray, "png"), 8, 8).picture()))
        .isEqualTo(row(Picture.decode(file(alpha, "png"), 8, 8).picture()));
  }

  @Test
  void refusesPicturesOfAnotherSize() throws IOException {
    byte[] file = file(stripes(16, 8, BufferedImage.TYPE_INT_RGB), "png");

    assertThatThrownBy(() -> Picture.decode(file, 8, 16))
        .isInstanceOf(IOException.class)
        .hasMessage("picture must measure 8x16, but measures 16x8");
  }

  /** However it is cut, an IOException and nothing else tells of it. */
  @Test
  void refusesEveryTruncationThatCostsPixels() throws IOException {
    byte[] file = file(stripes(16, 8, BufferedImage.TYPE_INT_RGB), "png");
    // Checksums and end markers: of the compressed data 5 bytes, of its chunk 4, of the file 12.
    int pixelsEnd = file.length - 12 - 4 - 5;

    for (int length = 0; length < pixelsEnd; length++) {
      byte[] cut = Arrays.copyOf(file, length);
      assertThatThrownBy(() -> Picture.decode(cut, 16, 8), "%d of %d bytes", length, file.length)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void shrinksToTheMeanOfWhatAPixelCovers() {
    Picture picture = Picture.of(stripes(16, 4, BufferedImage.TYPE_INT_RGB));

    Picture half = picture.fit(8);
    assertThat(half.height()).isEqualTo(2);
    assertThat(row(half))
        .containsExactly(
            0xff000000,
            0xffffffff,
            0xff000000,
            0xffffffff,
            0xff000000,
            0xffffffff,
            0xff000000,
            0xffffffff);
    assertThat(row(picture.fit(4))).containsOnly(0xff808080).hasSize(4);
    // Three pixels of 5 1/3: two black, two white, a black and a third.
    assertThat(row(picture.fit(3))[0] & 0xff).isEqualTo(Math.round(255 * 2 / (16 / 3f)));
  }

  @Test
  void neverEnlarges() {
    Picture picture = Picture.of(stripes(16, 4, BufferedImage.TYPE_INT_RGB));

    assertThat(picture.fit(16)).isSameAs(picture);
    assertThat(Picture.of(stripes(300, 1, BufferedImage.TYPE_INT_RGB)).fit(100).height()).isOne();
  }
}
