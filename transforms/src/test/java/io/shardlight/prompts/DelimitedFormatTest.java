package io.shardlight.prompts;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Rejection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DelimitedFormatTest {
  @Test
  void quotedFieldsMayHoldDelimitersBreaksAndQuotes() throws Exception {
    ReadRecords read =
        ReadRecords.of(
            "p.csv",
            """
            \uFEFFid,prompt,seed,topic
            1,"a ""red"" fox,
            running",7,

            2,ein Käfer 🐞,,""
            3,5" of snow,,x\
            """
                .replace("\n", "\r\n"));

    assertThat(read.prompts())
        .containsExactly(
            new Prompt(
                new PromptSource("p.csv", 2),
                "1",
                "a \"red\" fox,\r\nrunning",
                new OverridesBuilder().seed(7L).build(),
                Map.of()),
            new Prompt(
                new PromptSource("p.csv", 5),
                "2",
                "ein Käfer 🐞",
                new OverridesBuilder().build(),
                Map.of("topic", "")),
            new Prompt(
                new PromptSource("p.csv", 6),
                "3",
                "5\" of snow",
                new OverridesBuilder().build(),
                Map.of("topic", "x")));
    assertThat(read.rejections()).isEmpty();
  }

  @Test
  void tabsDelimitTsv() throws Exception {
    ReadRecords read = ReadRecords.of("p.tsv", "caption\tsteps\na fox, an owl\t3\n");

    assertThat(read.texts()).containsExactly("2: a fox, an owl");
    assertThat(read.prompts().get(0).overrides().steps()).contains(3);
  }

  @Test
  void rowsThatCannotBeUsedAreRejectedAndTheRestGoesOn() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write("prompt,width\na fox,64\nan owl\na hen,64,8\na cock,100\n,8\n".getBytes(UTF_8));
    bytes.write("ein Käfer,8\n".getBytes(ISO_8859_1));
    bytes.write(("\"" + "x".repeat(1_500_000) + "\",8\n").getBytes(UTF_8));
    bytes.write("a last row,8".getBytes(UTF_8));

    ReadRecords read = ReadRecords.of("p.csv", bytes.toByteArray());

    assertThat(read.texts()).containsExactly("2: a fox", "9: a last row");
    assertThat(read.rejections())
        .containsExactly(
            "3: wanted 2 fields, as the header has, but found 1",
            "4: wanted 2 fields, as the header has, but found 3",
            "5: width must be a multiple of 8 in [8, 2048], but was 100",
            "6: prompt is empty",
            "7: wanted UTF-8, but found other bytes",
            "8: wanted a row of at most 1048576 characters, but found 1500001");
  }

  @Test
  void columnsWithoutANameAreNotRead() throws Exception {
    ReadRecords read = ReadRecords.of("p.csv", ",prompt,\n0,a fox,x\n");

    assertThat(read.prompts().get(0).carried()).isEmpty();
  }

  @Test
  void aFileOfNothingOrOfAHeaderHasNoPrompts() throws Exception {
    assertThat(ReadRecords.of("p.csv", "").prompts()).isEmpty();
    assertThat(ReadRecords.of("p.csv", "prompt,seed\n").prompts()).isEmpty();
    assertThat(ReadRecords.of("p.csv", "prompt,seed\n").rejections()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a fox;an owl           | wanted one of the columns [prompt, caption, text], but found [a fox;an owl]
          prompt,seed,seed       | wanted columns of different names, but found two called "seed"
          prompt~"a fox~an owl~  | Unclosed quoted field
          """)
  void aFileThatCannotBeCutIntoRecordsFails(String content, String message) {
    assertThatThrownBy(() -> ReadRecords.of("p.csv", content.replace('~', '\n')))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aHeaderThatIsNotUtf8Fails() {
    assertThatThrownBy(() -> ReadRecords.of("p.csv", "prompt,größe\n".getBytes(ISO_8859_1)))
        .isInstanceOf(IOException.class)
        .hasMessage("the header can't be read: wanted UTF-8, but found other bytes");
  }

  @Test
  void aQuoteThatNeverClosesFailsLongBeforeMemoryIsFull() {
    RepeatedText endless = new RepeatedText("prompt\n\"", "x", 1L << 40);

    assertThatThrownBy(() -> ReadRecords.of("p.csv", endless))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("buffer");
    assertThat(endless.position()).isLessThan(1 << 23);
  }

  @Test
  void rowsAreHandedOutWhileTheFileIsRead() throws Exception {
    String row = "a fox,7\n";
    RepeatedText text = new RepeatedText("prompt,seed\n", row, 1_000_000);
    long[] seen = {0};
    long[] mostAhead = {0};

    PromptFile.read(
        "p.csv",
        text,
        new PromptFile.Records() {
          @Override
          public void prompt(Prompt prompt) {
            seen[0]++;
            mostAhead[0] = Math.max(mostAhead[0], text.position() - seen[0] * row.length());
          }

          @Override
          public void rejection(Rejection rejection) {
            throw new AssertionError(rejection);
          }
        });

    assertThat(seen[0]).isEqualTo(1_000_000);
    assertThat(mostAhead[0]).isLessThan(1 << 18);
  }
}
