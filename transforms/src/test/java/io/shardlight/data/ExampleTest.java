package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.util.CoderUtils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExampleTest {
  private static final PromptSource SOURCE = new PromptSource("/in/prompts.txt", 123_456);
  private static final String ID = "0123456789abcdef0123456789abcdef";

  @Test
  void givesBackWhatItWasMadeOf() {
    PrngKey key = new PrngKey(-2, 3);
    Sampling sampling = new Sampling(SchedulerKind.LMS, 7, 1.5f, 64, 128);
    Example example =
        new Example(
            "f".repeat(32),
            "a fox 🦊",
            "blurry",
            "id-1",
            SOURCE,
            4,
            Seeds.MAX,
            key,
            sampling,
            Map.of("topic", "animals"));

    assertThat(example.id()).isEqualTo("f".repeat(32));
    assertThat(example.idHigh()).isEqualTo(-1);
    assertThat(example.idLow()).isEqualTo(-1);
    assertThat(example.prompt()).isEqualTo("a fox 🦊");
    assertThat(example.negativePrompt()).isEqualTo("blurry");
    assertThat(example.promptId()).isEqualTo("id-1");
    assertThat(example.source()).isEqualTo(SOURCE);
    assertThat(example.imageIndex()).isEqualTo(4);
    assertThat(example.seed()).isEqualTo(Seeds.MAX);
    assertThat(example.noiseKey()).isEqualTo(key);
    assertThat(example.sampling()).isEqualTo(sampling);
    assertThat(example.carried()).containsExactly(Map.entry("topic", "animals"));
  }

  @Test
  void examplesThatDifferInOneFieldAreNotEqual() {
    List<Example> examples =
        List.of(
            example(ID, "p", "prompts.txt:123456", SOURCE, 7, PrngKey.ofSeed(7)),
            example("1" + ID.substring(1), "p", "prompts.txt:123456", SOURCE, 7, key(7)),
            example(ID.substring(0, 31) + "0", "p", "prompts.txt:123456", SOURCE, 7, key(7)),
            example(ID, "q", "prompts.txt:123456", SOURCE, 7, key(7)),
            example(ID, "p", "other", SOURCE, 7, key(7)),
            example(ID, "p", "prompts.txt:123456", new PromptSource("/b", 1), 7, key(7)),
            example(ID, "p", "prompts.txt:123456", SOURCE, 8, key(7)),
            example(ID, "p", "prompts.txt:123456", SOURCE, 7, key(8)),
            example(ID, "p", "prompts.txt:123456", SOURCE, 7, new PrngKey(1, 7)));

    assertThat(examples).doesNotHaveDuplicates();
    assertThat(examples.get(0))
        .isEqualTo(example(ID, "p", "prompts.txt:123456", SOURCE, 7, key(7)))
        .hasSameHashCodeAs(example(ID, "p", "prompts.txt:123456", SOURCE, 7, key(7)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0123456789abcdef0123456789abcde",
        "0123456789abcdef0123456789abcdef0",
        "0123456789ABCDEF0123456789abcdef",
        "0123456789abcdef0123456789abcdeg",
        "-123456789abcdef0123456789abcdef",
      })
  void refusesAnIdThatIsNoHash(String id) {
    assertThatThrownBy(() -> example(id, "p", "i", SOURCE, 0, key(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("an example's id must be 32 lower-case hex digits, but was " + id);
  }

  @Test
  void theOrderIsThatOfTheIdsAsTextThenOfTheSources() {
    List<Example> sorted = new ArrayList<>();
    for (String first : List.of("0", "7", "8", "f")) {
      for (String last : List.of("0", "7", "8", "f")) {
        String id = first + "0".repeat(15) + last + "0".repeat(15);
        sorted.add(example(id, "p", "a", new PromptSource("/a", 9), 0, key(0)));
        sorted.add(example(id, "p", "a", new PromptSource("/a", 10), 0, key(0)));
        sorted.add(example(id, "p", "b", new PromptSource("/a", 10), 0, key(0)));
        sorted.add(example(id, "p", "a", new PromptSource("/b", 1), 0, key(0)));
      }
    }
    List<Example> examples = new ArrayList<>(sorted);
    Collections.reverse(examples);

    examples.sort(Example.ORDER);

    assertThat(examples).containsExactlyElementsOf(sorted);
    assertThat(examples.stream().map(Example::id)).isSorted();
  }

  @Test
  void whatFollowsFromOtherFieldsIsNotShuffled() throws Exception {
    Example plain = example(ID, "p".repeat(70), "prompts.txt:123456", SOURCE, 7, key(7));
    Example own = example(ID, "p".repeat(70), "prompts.txt:123457", SOURCE, 7, new PrngKey(0, 8));

    // Version, flags, id, prompt, no negative prompt, source, image, seed, sampling, no columns.
    assertThat(bytes(plain)).hasSize(1 + 1 + 16 + 71 + 1 + 16 + 3 + 1 + 4 + 14 + 1);
    assertThat(bytes(own)).hasSize(bytes(plain).length + 19 + 8);
  }

  @Test
  void whatExamplesHaveInCommonIsOneObject() throws Exception {
    byte[] bytes = bytes(example(ID, "p", "i", SOURCE, 0, key(0)));

    Example one = CoderUtils.decodeFromByteArray(ExampleCoder.of(), bytes);
    Example two = CoderUtils.decodeFromByteArray(ExampleCoder.of(), bytes);

    assertThat(two.source().file()).isSameAs(one.source().file());
    assertThat(two.sampling()).isSameAs(one.sampling());
    assertThat(two.negativePrompt()).isSameAs(one.negativePrompt());
  }

  @Test
  void itsTextKeepsThePromptToItself() {
    assertThat(example(ID, "a secret", "i", SOURCE, 2, key(0)))
        .hasToString("Example[" + ID + ", image 2 of /in/prompts.txt:123456]");
  }

  private static PrngKey key(long seed) {
    return PrngKey.ofSeed(seed);
  }

  private static byte[] bytes(Example example) throws Exception {
    return CoderUtils.encodeToByteArray(ExampleCoder.of(), example);
  }

  private static Example example(
      String id, String prompt, String promptId, PromptSource source, long seed, PrngKey key) {
    return new Example(
        id,
        prompt,
        "",
        promptId,
        source,
        2,
        seed,
        key,
        new Sampling(SchedulerKind.PNDM, 50, 7.5f, 512, 512),
        Map.of());
  }
}
