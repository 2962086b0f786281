package io.shardlight.prompts;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class Utf8LinesTest {
  @Test
  void linesEndWithLineFeedOrCarriageReturnAndLineFeed() throws Exception {
    assertThat(read("one\r\ntwo\n\nfour\rstill four\r\nfive"))
        .containsExactly("1:one", "2:two", "3:", "4:four\rstill four", "5:five");
    assertThat(read("one\n")).containsExactly("1:one");
    assertThat(read("\n")).containsExactly("1:");
    assertThat(read("")).isEmpty();
  }

  @Test
  void onlyTheFirstByteOrderMarkIsSkipped() throws Exception {
    assertThat(read("\uFEFFone\n\uFEFFtwo")).containsExactly("1:one", "2:\uFEFFtwo");
  }

  @Test
  void linesMayCrossTheBoundsOfWhatIsReadAtOnce() throws Exception {
    String line = "ä".repeat(50_001);

    assertThat(read((line + "\n").repeat(5)))
        .containsExactly("1:" + line, "2:" + line, "3:" + line, "4:" + line, "5:" + line);
  }

  @Test
  void theLongestLineIsReadAndALongerOneIsNot() throws Exception {
    String longest = "a".repeat(Utf8Lines.MAX_BYTES);

    assertThat(read(longest + "\n" + longest + "a\nnext"))
        .containsExactly(
            "1:" + longest,
            "2!wanted a line of at most 1048576 bytes, but found 1048577",
            "3:next");
  }

  private static List<String> read(String text) throws IOException {
    List<String> read = new ArrayList<>();
    Utf8Lines.read(
        new ByteArrayInputStream(text.getBytes(UTF_8)),
        (number, line) -> read.add(number + ":" + line),
        (number, reason) -> read.add(number + "!" + reason));
    return read;
  }
}
