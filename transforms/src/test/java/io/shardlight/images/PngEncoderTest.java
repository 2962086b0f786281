package io.shardlight.images;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PngEncoderTest {
  private static final int WIDTH = 40;
  private static final int HEIGHT = 24;

  @Test
  void pixelsComeBackAsTheyWere() throws Exception {
    byte[] image = image();

    BufferedImage read = ImageIO.read(new ByteArrayInputStream(encode(image, "a fox")));

    assertThat(read.getWidth()).isEqualTo(WIDTH);
    assertThat(read.getHeight()).isEqualTo(HEIGHT);
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        int at = 3 * (y * WIDTH + x);
        int rgb = (image[at] & 0xFF) << 16 | (image[at + 1] & 0xFF) << 8 | (image[at + 2] & 0xFF);
        assertThat(read.getRGB(x, y) & 0xFFFFFF).isEqualTo(rgb);
      }
    }
  }

  @Test
  void latin1TextGoesToTextAndOtherToInternationalText() {
    Map<String, byte[]> latin = chunks(encode(image(), "ein Käfer"));
    Map<String, byte[]> other = chunks(encode(image(), "猫\nSteps: 1"));

    assertThat(latin.get("tEXt")).isEqualTo("parameters\0ein Käfer".getBytes(ISO_8859_1));
    assertThat(latin.get("iTXt")).isEqualTo("XML:com.adobe.xmp\0\0\0\0\0<x/>".getBytes(UTF_8));
    assertThat(other).doesNotContainKey("tEXt");
    assertThat(other.get("iTXt")).isEqualTo("parameters\0\0\0\0\0猫\nSteps: 1".getBytes(UTF_8));
  }

  /** Readers that stop at the pixels must have seen the texts. */
  @Test
  void textsStandBeforeThePixels() {
    assertThat(chunks(encode(image(), "a fox")).keySet())
        .containsExactly("IHDR", "tEXt", "iTXt", "IDAT", "IEND");
  }

  @Test
  void theSameImageGivesTheSameBytesAndItsPixelsAreLeftAlone() {
    byte[] image = image();
    byte[] before = image.clone();

    assertThat(encode(image, "a fox")).isEqualTo(encode(image, "a fox"));
    assertThat(image).isEqualTo(before);
  }

  /** First chunk of each type, its checksum checked. */
  private static Map<String, byte[]> chunks(byte[] png) {
    Map<String, byte[]> chunks = new LinkedHashMap<>();
    ByteBuffer in = ByteBuffer.wrap(png, 8, png.length - 8);
    while (in.hasRemaining()) {
      byte[] data = new byte[in.getInt()];
      byte[] type = new byte[4];
      in.get(type).get(data);
      CRC32 crc = new CRC32();
      crc.update(type);
      crc.update(data);
      assertThat(in.getInt()).isEqualTo((int) crc.getValue());
      chunks.putIfAbsent(new String(type, ISO_8859_1), data);
    }
    assertThat(Arrays.asList(chunks.keySet().toArray())).startsWith("IHDR").endsWith("IEND");
    return chunks;
  }

  private static byte[] encode(byte[] rgb, String parameters) {
    return PngEncoder.encode(WIDTH, HEIGHT, rgb, parameters, "<x/>");
  }

  private static byte[] image() {
    byte[] rgb = new byte[3 * WIDTH * HEIGHT];
    new Random(3).nextBytes(rgb);
    return rgb;
  }
}
