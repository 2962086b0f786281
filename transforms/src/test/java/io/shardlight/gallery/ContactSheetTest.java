package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ContactSheetTest {
  private static final int RED = 0xffd02030;
  private static final int GROUND = 0xff16181c;

  private static ContactSheet.Entry entry(int width, int height, int color, String prompt) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, color);
      }
    }
    return new ContactSheet.Entry(Picture.of(image), prompt);
  }

  private static List<ContactSheet.Entry> entries(int count) {
    List<ContactSheet.Entry> entries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      entries.add(entry(128, 128, 0xff000000 | (i + 1) * 0x102030, "a red fox in the snow " + i));
    }
    return entries;
  }

  private static BufferedImage draw(
      List<ContactSheet.Entry> entries, Optional<Lettering> lettering) {
    return ContactSheet.draw(entries, "tiny-sd · pndm", "· 4 images", lettering).toImage();
  }

  /** Pixels of a rectangle that differ from the ground. */
  private static long drawn(BufferedImage sheet, int x, int y, int width, int height) {
    return IntStream.of(sheet.getRGB(x, y, width, height, null, 0, width))
        .filter(pixel -> pixel != GROUND)
        .count();
  }

  @Test
  void picturesStandPixelForPixelInTheirCells() {
    List<ContactSheet.Entry> entries = entries(4);

    BufferedImage sheet = draw(entries, Optional.empty());

    assertThat(sheet.getWidth()).isEqualTo(2 * 28 + 4 * 128 + 3 * 16);
    assertThat(sheet.getHeight()).isEqualTo(2 * 28 + 128);
    for (int i = 0; i < 4; i++) {
      int left = 28 + i * 144;
      int color = 0xff000000 | (i + 1) * 0x102030;
      assertThat(sheet.getRGB(left + 10, 28 + 10, 108, 108, null, 0, 108)).containsOnly(color);
      assertThat(sheet.getRGB(left, 28 + 64)).isEqualTo(color);
      assertThat(sheet.getRGB(left + 127, 28 + 64)).isEqualTo(color);
      assertThat(sheet.getRGB(left - 1, 28 + 64)).isEqualTo(GROUND);
      assertThat(sheet.getRGB(left + 128, 28 + 64)).isEqualTo(GROUND);
      assertThat(sheet.getRGB(left, 28)).as("a round corner").isEqualTo(GROUND);
    }
  }

  @Test
  void narrowPicturesStandInTheMiddle() {
    BufferedImage sheet =
        draw(List.of(entry(128, 64, RED, "wide"), entry(64, 128, RED, "high")), Optional.empty());

    assertThat(sheet.getRGB(28 + 64, 28 + 31)).isNotEqualTo(RED);
    assertThat(sheet.getRGB(28 + 64, 28 + 32)).isEqualTo(RED);
    assertThat(sheet.getRGB(28 + 144 + 31, 28 + 64)).isNotEqualTo(RED);
    assertThat(sheet.getRGB(28 + 144 + 32, 28 + 64)).isEqualTo(RED);
  }

  @Test
  void promptsStandBelowAndParametersAtTheFoot() {
    Optional<Lettering> lettering = Lettering.find();
    assumeTrue(lettering.isPresent(), "this machine has no font");

    BufferedImage sheet = draw(entries(4), lettering);

    int below = 28 + 128;
    for (int i = 0; i < 4; i++) {
      assertThat(drawn(sheet, 28 + i * 144, below + 1, 128, 40)).isPositive();
    }
    assertThat(drawn(sheet, 28, sheet.getHeight() - 45, 400, 17)).isPositive();
    assertThat(drawn(sheet, 0, 0, 28, sheet.getHeight())).as("left margin").isZero();
    assertThat(drawn(sheet, sheet.getWidth() - 28, 0, 28, sheet.getHeight())).isZero();
    assertThat(drawn(sheet, 28 + 128, below, 16, 41)).as("between captions").isZero();
  }

  @Test
  void theSamePicturesGiveTheSameBytes() {
    byte[] first = ContactSheet.draw(entries(7), "a", "b", Lettering.find()).toPng("<x/>");
    byte[] second = ContactSheet.draw(entries(7), "a", "b", Lettering.find()).toPng("<x/>");

    assertThat(second).isEqualTo(first);
  }

  @Test
  void choosesEvenlyOverAll() {
    List<Integer> numbers = IntStream.range(0, 1050).boxed().toList();

    assertThat(ContactSheet.choose(numbers)).hasSize(100).startsWith(0, 10, 21).endsWith(1039);
    assertThat(ContactSheet.choose(numbers.subList(0, 7))).isEqualTo(numbers.subList(0, 7));
  }

  @Test
  void aSheetWithoutPicturesIsStillAPicture() {
    assertThat(draw(List.of(), Lettering.find()).getHeight()).isPositive();
  }
}
