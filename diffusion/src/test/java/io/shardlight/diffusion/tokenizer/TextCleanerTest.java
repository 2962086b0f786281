package io.shardlight.diffusion.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.fixtures.Golden;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against golden/clip/ftfy_cases.json: what ftfy 6.1.1 makes of texts that try each rule. */
final class TextCleanerTest {
  static Stream<JsonNode> cases() {
    JsonNode cases = Golden.json("clip/ftfy_cases.json").get("cases");
    return StreamSupport.stream(cases.spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void cleansAsFtfy(JsonNode example) {
    assertThat(TextCleaner.clean(example.get(0).asText())).isEqualTo(example.get(1).asText());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a cat", "C:\\Windows {x} $1 \\0", "tab\tand\nline", "日本語", "Привет, мир"})
  void leavesGoodTextAlone(String text) {
    assertThat(TextCleaner.clean(text)).isEqualTo(text);
  }

  @Test
  void cleaningTwiceIsCleaningOnce() {
    cases()
        .map(example -> TextCleaner.clean(example.get(0).asText()))
        .filter(clean -> clean.indexOf('&') < 0) // "&amp;" of HTML may be "&" of text
        .forEach(clean -> assertThat(TextCleaner.clean(clean)).isEqualTo(clean));
  }

  @Test
  void lonelySurrogatesAreReplaced() {
    assertThat(TextCleaner.clean("a\ud83db\udc31")).isEqualTo("a\ufffdb\ufffd");
    assertThat(TextCleaner.clean("\ud83d\udc31")).isEqualTo("\ud83d\udc31");
  }
}
