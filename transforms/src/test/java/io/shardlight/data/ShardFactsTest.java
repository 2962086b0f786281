package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShardFactsTest {
  private static final ShardFacts FACTS =
      new ShardFacts(
          3,
          "ab".repeat(32),
          "cd".repeat(32),
          10,
          1,
          0,
          2,
          12_345,
          Optional.of(new StoredObject("images/00003.tar", 20_480, "e3069283", "ef".repeat(32))),
          List.of(new StoredObject("manifest/00003.avro", 99, "00000000", "01".repeat(32))));

  @Test
  void comesBackFromItsText() {
    assertThat(ShardFacts.fromJson(FACTS.toJson())).isEqualTo(FACTS);
    assertThat(ShardFacts.fromJson(FACTS.toJson() + "\n")).isEqualTo(FACTS);
  }

  /** What is read as a marker was written as one: nothing is guessed, and nothing is left out. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"shard\":3       | \"shard\":\"3\"",
        "\"shard\":3       | \"shard\":3.5",
        "\"shard\":3       | \"shard\":4294967299",
        "\"shard\":3       | \"shard\":3,\"more\":1",
        "\"shard\":3       | \"shards\":3",
        "\"ok\":10         | \"ok\":null",
        "\"ok\":10         | \"ok\":1e1",
        "\"ok\":10         | \"ok\":10,\"ok\":11",
        "\"bytes\":20480   | \"bytes\":\"\"",
        "\"e3069283\"      | 3",
        "\"manifests\":[   | \"manifests\":[7,",
        "{\"archive\"      | [{\"archive\"",
        "\"failed\":1      | \"failed\": 1",
      })
  void takesNothingElse(String words, String others) {
    String text = FACTS.toJson();
    assertThat(text).contains(words);

    assertThatThrownBy(() -> ShardFacts.fromJson(text.replace(words, others)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void takesNoOtherJson() {
    for (String text : List.of("", " ", "null", "[]", "{}", "7", "{\"manifests\":[]}", "\u0000")) {
      assertThatThrownBy(() -> ShardFacts.fromJson(text))
          .as(text)
          .isInstanceOf(IllegalArgumentException.class);
    }
    String cut = FACTS.toJson();
    for (int length = 0; length < cut.length(); length++) {
      String begin = cut.substring(0, length);
      assertThatThrownBy(() -> ShardFacts.fromJson(begin))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
