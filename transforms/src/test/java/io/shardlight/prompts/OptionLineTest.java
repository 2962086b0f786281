package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionLineTest {
  @Test
  void everyOptionHasItsPlace() throws Exception {
    Prompt prompt =
        prompt(
            "--prompt \"a fox, \\\"red\\\"\" --negative_prompt 'blurry' --seed 7 --steps 30"
                + " --cfg_scale 5.5 --width 512 --height 768 --sampler_name \"DDIM\""
                + " --batch_size 2 --n_iter 3 --outpath_samples /tmp/x --restore_faces false");

    assertThat(prompt.text()).isEqualTo("a fox, \"red\"");
    assertThat(prompt.id()).isEqualTo("p.txt:1");
    assertThat(prompt.carried()).isEmpty();
    assertThat(prompt.overrides())
        .isEqualTo(
            new OverridesBuilder()
                .negativePrompt("blurry")
                .seed(7L)
                .images(6)
                .scheduler(SchedulerKind.DDIM)
                .steps(30)
                .guidanceScale(5.5f)
                .width(512)
                .height(768)
                .build());
  }

  @Test
  void promptsMayDoWithoutQuotesAndTheLastOfTwoHolds() throws Exception {
    Prompt prompt = prompt("--seed 7 --prompt a red   fox --negative_prompt a hen --seed 8");

    assertThat(prompt.text()).isEqualTo("a red fox");
    assertThat(prompt.overrides())
        .isEqualTo(new OverridesBuilder().negativePrompt("a hen").seed(8L).build());
  }

  @Test
  void aSeedOfMinusOneIsAnySeed() throws Exception {
    assertThat(prompt("--prompt \"a fox\" --seed -1").overrides().seed()).isEmpty();
  }

  @Test
  void dashesWithinALineAreNoOptions() throws Exception {
    assertThat(prompt("a fox --seed 7").text()).isEqualTo("a fox --seed 7");
  }

  @ParameterizedTest
  @CsvSource({
    "PLMS, PNDM",
    "plms, PNDM",
    "lms, LMS",
    "k_lms, LMS",
    "Ddim, DDIM",
    "euler, EULER",
    "'\"Euler a\"', EULER_A",
    "k_euler_ancestral, EULER_A",
    "'\"DPM++ 2M\"', DPMPP_2M",
    "'\"dpm++ 2m karras\"', DPMPP_2M_KARRAS",
    "k_dpmpp_2m_ka, DPMPP_2M_KARRAS"
  })
  void samplersAreOurSchedulers(String sampler, SchedulerKind scheduler) throws Exception {
    assertThat(prompt("--prompt x --sampler_name " + sampler).overrides().scheduler())
        .contains(scheduler);
  }

  @Test
  void anUnknownSamplerIsRejectedWithTheOnesThereAre() throws Exception {
    assertThat(rejections("--prompt \"a fox\" --sampler_name \"DPM adaptive\""))
        .singleElement()
        .asString()
        .isEqualTo(
            "1: --sampler_name must be one of [DDIM, DPM++ 2M, DPM++ 2M Karras, Euler, Euler a,"
                + " LMS, PLMS], but was \"DPM adaptive\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          --prompt "a fox               | wanted a second " for the one in column 10, but the line ends
          --prompt a fox\\              | wanted something behind the last backslash, but the line ends
          --prompt                      | --prompt must be followed by a value
          --prompt x --seed             | --seed must be followed by a value
          --prompt x --seed seven       | seed must be a number, but was "seven"
          --prompt x --seed 7 8         | wanted an option that begins with two dashes, but found "8"; put values with spaces between quotes
          --prompt x --styles neon      | --styles is not available here; leave it out
          --prompt x --sampler_index 3  | --sampler_index counts the samplers of one version of A1111; use --sampler_name
          --prompt x --n_iter 0         | --n_iter must be in [1, 1000000], but was 0
          --prompt x --n_iter 9999999 --batch_size 9999999 | images must be in [1, 1000000], but was 99999980000001
          --prompt x --width 100        | width must be a multiple of 8 in [8, 2048], but was 100
          --prompt ""                   | prompt is empty
          --steps 3                     | wanted one of the columns [prompt, caption, text]
          """)
  void whatCannotBeUsedIsRejectedByName(String line, String reason) throws Exception {
    assertThat(rejections(line)).containsExactly("1: " + reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--prompt x --stepz 3", "--prompt x --seed=3", "--ar 16:9 a fox"})
  void anUnknownOptionIsRejectedByItsName(String line) throws Exception {
    String name = line.replaceAll(".*(--(stepz|seed=3|ar)).*", "$1");
    assertThat(rejections(line))
        .singleElement()
        .asString()
        .startsWith("1: " + name + " is not an option");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      nullValues = "-",
      textBlock =
          """
          a  b                 | a,b
          'a "b"\\'            | a "b"\\
          "a \\n \\" \\\\"      | a \\n " \\
          a" b"c'd e'          | a bcd e
          a\\ b\\"             | a b"
          "" x                 | ,x
          """)
  void wordsAreCutAsAShellDoes(String line, String words) {
    assertThat(ShellWords.split(line)).isEqualTo(List.of(words.split(",", -1)));
  }

  @Test
  void anOpenQuoteIsNoWord() {
    assertThatThrownBy(() -> ShellWords.split("a 'b"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("wanted a second ' for the one in column 3, but the line ends");
  }

  private static Prompt prompt(String line) throws Exception {
    ReadRecords read = ReadRecords.of("p.txt", line);
    assertThat(read.rejections()).isEmpty();
    return read.prompts().get(0);
  }

  private static List<String> rejections(String line) throws Exception {
    ReadRecords read = ReadRecords.of("p.txt", line);
    assertThat(read.prompts()).isEmpty();
    return read.rejections();
  }
}
