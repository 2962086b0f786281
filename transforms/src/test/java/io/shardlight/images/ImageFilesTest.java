package io.shardlight.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What JPEG and WebP files have in common. */
class ImageFilesTest {
  private static final int WIDTH = 72;
  private static final int HEIGHT = 40;
  private static final String XMP = "<x:xmpmeta>trainedAlgorithmicMedia</x:xmpmeta>";

  /** The encoders, and the decoder of each. */
  enum Format {
    JPEG {
      @Override
      byte[] encode(byte[] rgb, int quality, String parameters) {
        return JpegEncoder.encode(WIDTH, HEIGHT, rgb, quality, parameters, XMP);
      }

      @Override
      BufferedImage decode(byte[] file) throws IOException {
        return ImageIO.read(new ByteArrayInputStream(file));
      }
    },
    WEBP {
      @Override
      byte[] encode(byte[] rgb, int quality, String parameters) {
        return WebpFormat.encode(WIDTH, HEIGHT, rgb, quality, parameters, XMP);
      }

      @Override
      BufferedImage decode(byte[] file) throws IOException {
        ImageReader reader = WebpFormat.reader(file);
        try {
          return reader.read(0);
        } finally {
          reader.dispose();
        }
      }
    };

    abstract byte[] encode(byte[] rgb, int quality, String parameters);

    abstract BufferedImage decode(byte[] file) throws IOException;
  }

  /** Soft colours with an edge. */
  private static byte[] picture() {
    byte[] rgb = new byte[3 * WIDTH * HEIGHT];
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
      int x = i % WIDTH;
      int y = i / WIDTH;
      rgb[3 * i] = (byte) (255 * x / WIDTH);
      rgb[3 * i + 1] = (byte) (255 * y / HEIGHT);
      rgb[3 * i + 2] = (byte) (x > WIDTH / 2 ? 200 : 40);
    }
    return rgb;
  }

  private static double meanDifference(BufferedImage image, byte[] rgb) {
    assertThat(image.getWidth()).isEqualTo(WIDTH);
    assertThat(image.getHeight()).isEqualTo(HEIGHT);
    return IntStream.range(0, rgb.length)
        .map(
            i -> {
              int pixel = image.getRGB(i / 3 % WIDTH, i / 3 / WIDTH);
              return Math.abs(((pixel >> (16 - 8 * (i % 3))) & 0xff) - (rgb[i] & 0xff));
            })
        .average()
        .orElseThrow();
  }

  @ParameterizedTest
  @EnumSource
  void moreQualityIsLargerAndCloser(Format format) throws IOException {
    byte[] rgb = picture();
    byte[] poor = format.encode(rgb, 5, "");
    byte[] good = format.encode(rgb, 95, "");
    byte[] best = format.encode(rgb, 100, "");

    assertThat(poor.length).isLessThan(good.length);
    assertThat(good.length).isLessThan(best.length);
    double difference = meanDifference(format.decode(good), rgb);
    assertThat(difference).isLessThan(2.5);
    assertThat(difference).isLessThan(meanDifference(format.decode(poor), rgb));
  }

  @ParameterizedTest
  @EnumSource
  void saysHowItWasMade(Format format) throws IOException {
    String parameters = "ein grüner Käfer, 猫 \ud83e\udd8a\nSteps: 20, Seed: 7";

    byte[] file = format.encode(picture(), 90, parameters);

    assertThat(ExifComment.find(file)).contains(parameters);
    assertThat(new String(file, StandardCharsets.ISO_8859_1)).contains(XMP);
    assertThat(format.decode(file).getWidth()).isEqualTo(WIDTH);
  }

  @ParameterizedTest
  @EnumSource
  void aPromptOfAnyLengthLeavesAFileThatCanBeRead(Format format) throws IOException {
    String longest = "very ".repeat(20_000);

    byte[] file = format.encode(picture(), 90, longest);

    assertThat(meanDifference(format.decode(file), picture())).isLessThan(4);
    // A JPEG's segment ends at 64 KiB, and half a text would mislead.
    assertThat(ExifComment.find(file).isPresent()).isEqualTo(format == Format.WEBP);
  }

  @ParameterizedTest
  @EnumSource
  void theSamePictureGivesTheSameBytesOnAnyThread(Format format) throws Exception {
    byte[] expected = format.encode(picture(), 80, "fox");
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Callable<byte[]> encode = () -> format.encode(picture(), 80, "fox");
      for (Future<byte[]> file : threads.invokeAll(List.of(encode, encode, encode, encode))) {
        assertThat(file.get()).isEqualTo(expected);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFileThatIsCutOffHasItsWholeCommentOrNone(Format format) {
    byte[] file = format.encode(picture(), 80, "fox");
    for (int length = 0; length < file.length; length++) {
      // All of it or none: a part would be taken for the whole.
      assertThat(ExifComment.find(Arrays.copyOf(file, length)).orElse("fox")).isEqualTo("fox");
    }
    assertThat(ExifComment.find(new byte[0])).isEmpty();
  }

  @Test
  void jpegKeepsColourAtFullResolution() {
    byte[] file = Format.JPEG.encode(picture(), 80, "fox");
    int frame = 0;
    while ((file[frame] & 0xff) != 0xff || (file[frame + 1] & 0xff) != 0xc0) {
      frame++;
    }
    // Marker, length, precision, height, width, count; then of each component id, sampling, table.
    assertThat(file[frame + 9]).isEqualTo((byte) 3);
    for (int component = 0; component < 3; component++) {
      assertThat(file[frame + 10 + 3 * component + 1]).isEqualTo((byte) 0x11);
    }
  }
}
