package io.shardlight.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LetteringTest {
  private static Lettering lettering() {
    Optional<Lettering> found = Lettering.find();
    assumeTrue(found.isPresent(), "this machine has no font");
    return found.orElseThrow();
  }

  @Test
  void breaksBetweenWordsAndEndsWithAnEllipsis() {
    List<String> lines =
        lettering().lines("an oil painting of a harbour under a starry night sky", 128, 2);

    assertThat(lines).hasSize(2);
    assertThat("an oil painting of a harbour").startsWith(lines.get(0));
    assertThat(lines.get(0)).doesNotEndWith("…");
    assertThat(lines.get(1)).endsWith("…");
  }

  @Test
  void shortTextStaysAsItIs() {
    assertThat(lettering().lines("a fox", 128, 2)).containsExactly("a fox");
    assertThat(lettering().lines(" a\n\t fox\u0000 ", 128, 2)).containsExactly("a fox");
    assertThat(lettering().lines("", 128, 2)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "aVeryLongWordThatHasNoPlaceToBreakAnywhereAndGoesOnAndOnAndOnUntilTheVeryEndOfTheLine",
        "👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀👩\u200d🚀",
        "قارب صغير أزرق في ميناء هادئ تحت سماء مليئة بالنجوم في ليلة صيف دافئة جدا",
        "\u202e\u202e reversed \u2066 and isolated and longer than one line of the caption",
        "漢字だけの長い文章は単語の間で折り返すことができませんがそれでも折り返す必要があります"
      })
  void anyScriptIsBroken(String text) {
    List<String> lines = lettering().lines(text, 128, 2);

    assertThat(lines).hasSize(2).doesNotContain("");
    assertThat(lines.get(0).length() + lines.get(1).length()).isLessThan(text.length() + 2);
  }

  /** A Java of its own, whose machine has no font. */
  @Test
  void withoutFontsTheSheetHasNoText(@TempDir Path home) throws Exception {
    Path fonts = Files.writeString(home.resolve("fonts.conf"), "<fontconfig></fontconfig>");
    Path result = home.resolve("result.txt");
    ProcessBuilder java =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            // Java remembers there which fonts it saw.
            "-Duser.home=" + home,
            "-Djava.awt.headless=true",
            "-cp",
            System.getProperty("java.class.path"),
            WithoutFonts.class.getName(),
            result.toString());
    java.environment().put("FONTCONFIG_FILE", fonts.toString());
    Process process = java.redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(output).isZero();
    assertThat(result).as(output).content().isEqualTo("no text, 184x184");
  }

  static final class WithoutFonts {
    private WithoutFonts() {}

    public static void main(String[] arguments) throws IOException {
      Optional<Lettering> lettering = Lettering.find();
      java.awt.image.BufferedImage image =
          new java.awt.image.BufferedImage(128, 128, java.awt.image.BufferedImage.TYPE_INT_RGB);
      Picture sheet =
          ContactSheet.draw(
              List.of(new ContactSheet.Entry(Picture.of(image), "a fox")), "a", "b", lettering);
      Files.writeString(
          Path.of(arguments[0]),
          (lettering.isPresent() ? "text, " : "no text, ") + sheet.width() + "x" + sheet.height());
    }
  }
}
