package io.shardlight.diffusion.tokenizer;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against transformers' slow CLIPTokenizer with ftfy 6.1.1: golden/tiny and golden/clip. */
final class ClipTokenizerTest {
  private static final int LENGTH = 77;

  private static @Nullable ClipTokenizer clip;

  static Stream<JsonNode> tinyPrompts() {
    return prompts("tiny/tokens.json");
  }

  static Stream<JsonNode> clipPrompts() {
    return prompts("clip/clip_tokens.json");
  }

  private static Stream<JsonNode> prompts(String file) {
    JsonNode prompts = Golden.json(file).get("prompts");
    return StreamSupport.stream(prompts.spliterator(), false);
  }

  @Test
  void everyGoldenPromptIsChecked() {
    assertThat(tinyPrompts()).hasSize(48);
    assertThat(clipPrompts()).hasSize(150);
  }

  @ParameterizedTest
  @MethodSource("tinyPrompts")
  void hasTheIdsOfTheTinyVocabulary(JsonNode golden) throws IOException {
    assertEncodes(tiny(), golden);
  }

  @ParameterizedTest
  @MethodSource("clipPrompts")
  void hasTheIdsOfClipsVocabulary(JsonNode golden) throws IOException {
    assumeTrue(clip != null, "shared/golden/clip-tokenizer, CLIP's vocabulary, is not here");

    assertEncodes(requireNonNull(clip), golden);
  }

  private static void assertEncodes(ClipTokenizer tokenizer, JsonNode golden) {
    ClipTokenizer.Encoding encoding = tokenizer.encode(golden.get("prompt").asText());

    JsonNode ids = golden.get("ids_ftfy");
    assertThat(encoding.ids())
        .containsExactly(IntStream.range(0, ids.size()).map(i -> ids.get(i).asInt()).toArray());
    assertThat(encoding.truncated()).isEqualTo(golden.get("n_untruncated_ftfy").asInt() > LENGTH);
  }

  @BeforeAll
  static void loadClip() throws IOException {
    Optional<Path> folder = clipVocabulary();
    clip = folder.isPresent() ? ClipTokenizer.load(folder.get()) : null;
  }

  /** CLIP's vocabulary is not in the repository; it may lie beside it. */
  private static Optional<Path> clipVocabulary() {
    for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
      Path folder = p.resolve("shared/golden/clip-tokenizer");
      if (Files.isDirectory(folder)) {
        return Optional.of(folder);
      }
    }
    return Optional.empty();
  }

  @Test
  void theEmptyPromptIsStartAndPadding() throws IOException {
    int[] wanted = new int[LENGTH];
    Arrays.fill(wanted, 999);
    wanted[0] = 998;

    assertThat(tiny().encode("").ids()).containsExactly(wanted);
    assertThat(tiny().encode(" \t\n \u00a0").ids()).containsExactly(wanted);
    assertThat(tiny().encode("").truncated()).isFalse();
  }

  @Test
  void truncationKeepsTheEndToken() throws IOException {
    ClipTokenizer.Encoding fits = tiny().encode("1".repeat(75));
    ClipTokenizer.Encoding cut = tiny().encode("1".repeat(76));

    assertThat(fits.truncated()).isFalse();
    assertThat(cut.truncated()).isTrue();
    assertThat(fits.ids()).isEqualTo(cut.ids());
    assertThat(cut.ids()[0]).isEqualTo(998);
    assertThat(cut.ids()[75]).isNotEqualTo(999);
    assertThat(cut.ids()[76]).isEqualTo(999);
  }

  @Test
  void theSameTextHasTheSameIdsFromTheCache() throws IOException {
    ClipTokenizer tokenizer = tiny();
    ClipTokenizer.Encoding first = tokenizer.encode("a cat, a Cat");

    first.ids()[1] = -1;

    assertThat(tokenizer.encode("a cat, a Cat")).isEqualTo(first).hasSameHashCodeAs(first);
    assertThat(first.ids()[1]).isNotEqualTo(-1);
    assertThat(tokenizer.encode("a dog")).isNotEqualTo(first);
  }

  @Test
  void encodesTheSameOnManyThreads() throws IOException {
    ClipTokenizer tokenizer = tiny();
    List<String> prompts = tinyPrompts().map(p -> p.get("prompt").asText()).toList();
    List<ClipTokenizer.Encoding> alone = prompts.stream().map(tokenizer::encode).toList();
    ClipTokenizer shared = tiny();

    List<ClipTokenizer.Encoding> together =
        IntStream.range(0, prompts.size() * 50)
            .parallel()
            .mapToObj(i -> shared.encode(prompts.get(i % prompts.size())))
            .toList();

    for (int i = 0; i < together.size(); i++) {
      assertThat(together.get(i)).isEqualTo(alone.get(i % prompts.size()));
    }
  }

  /** Joining pairs naively takes the square of a word's length. */
  @ParameterizedTest
  @ValueSource(
      strings = {"x", "ab", "é", "!", "\ud83d", "&", "'", "\u00c3", "<|endoftext|>", "\u00c2 "})
  void twoHundredThousandCharactersWithoutASpaceAreNoTrouble(String character) throws IOException {
    ClipTokenizer tokenizer = tiny();
    String text = character.repeat(200_000 / character.length());

    ClipTokenizer.Encoding encoding =
        Assertions.assertTimeoutPreemptively(Duration.ofSeconds(30), () -> tokenizer.encode(text));

    assertThat(encoding.ids()).hasSize(LENGTH);
  }

  @Test
  void readsLengthAndSpecialTokensFromTheConfig(@TempDir Path temp) throws IOException {
    Path folder = copy(temp);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"model_max_length\": 5, \"pad_token\": {\"content\": \"!\"}}");
    Files.delete(folder.resolve("special_tokens_map.json"));
    ClipTokenizer tokenizer = ClipTokenizer.load(folder);
    int exclamation = tiny().encode("!").ids()[1];

    int padding = tokenizer.encode("").ids()[4];

    assertThat(tokenizer.maxLength()).isEqualTo(5);
    assertThat(padding).isNotEqualTo(exclamation); // "!" pads, "!</w>" is the word
    assertThat(tokenizer.encode("").ids()).containsExactly(998, 999, padding, padding, padding);
    // As a special token it is cut out of words too.
    assertThat(tokenizer.encode("!!").ids()).containsExactly(998, padding, padding, 999, padding);
  }

  @Test
  void limitsThatAreNoneMeanClipsOwn(@TempDir Path temp) throws IOException {
    Path folder = copy(temp);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"model_max_length\": 1000000000000000019884624838656}");

    assertThat(ClipTokenizer.load(folder).maxLength()).isEqualTo(LENGTH);
  }

  @ParameterizedTest
  @ValueSource(strings = {"vocab.json", "merges.txt", "tokenizer_config.json"})
  void namesAMissingFile(String file, @TempDir Path temp) throws IOException {
    Path folder = copy(temp);
    Files.delete(folder.resolve(file));

    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.resolve(file).toString())
        .hasMessageContaining("no such file");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "vocab.json ~ {\"a\": 1 ~ not JSON",
        "vocab.json ~ [] ~ must be a JSON object, but begins with [",
        "vocab.json ~ {\"a\": \"b\"} ~ id of token \"a\" must be an integer from 0 on, but is b",
        "vocab.json ~ {\"a\": 99999999999} ~ must be an integer from 0 on, but is 99999999999",
        "vocab.json ~ {\"a\": -1} ~ must be an integer from 0 on, but is -1",
        "vocab.json ~ {\"a\": 1} ~ no token \"<|startoftext|>\", which is the bos_token",
        "merges.txt ~ #version: 0.2 ~ no merges",
        "merges.txt ~ #version\\n"
            + "i n\\n"
            + "broken ~ line 3 must be two symbols with a space between, but is \"broken\"",
        "merges.txt ~ #version\\ni n o ~ line 2 must be two symbols",
        "tokenizer_config.json ~ {\"model_max_length\": 2} ~ model_max_length must be an integer of"
            + " at least 3, but is 2",
        "tokenizer_config.json ~ {\"model_max_length\": \"x\"} ~ model_max_length must be an"
            + " integer of at least 3, but is \"x\"",
        "tokenizer_config.json ~ {\"tokenizer_class\": \"T5Tokenizer\"} ~ tokenizer_class is"
            + " \"T5Tokenizer\"",
        "tokenizer_config.json ~ nonsense ~ not JSON",
        "special_tokens_map.json ~ {\"bos_token\" ~ not JSON",
      })
  void namesADamagedFile(String file, String content, String message, @TempDir Path temp)
      throws IOException {
    Path folder = copy(temp);
    Files.writeString(folder.resolve(file), content.replace("\\n", "\n"));

    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file)
        .hasMessageContaining(message);
  }

  @Test
  void namesAFileThatIsNotUtf8(@TempDir Path temp) throws IOException {
    Path folder = copy(temp);
    Files.write(folder.resolve("merges.txt"), new byte[] {'#', '\n', (byte) 0xc3, '\n'});

    assertThatThrownBy(() -> ClipTokenizer.load(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("merges.txt")
        .hasMessageContaining("not UTF-8");
  }

  private static ClipTokenizer tiny() throws IOException {
    return ClipTokenizer.load(TinyModels.torch().resolve("tokenizer"));
  }

  private static Path copy(Path temp) throws IOException {
    Path folder = Files.createDirectory(temp.resolve("tokenizer"));
    try (Stream<Path> files = Files.list(TinyModels.torch().resolve("tokenizer"))) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName().toString()));
      }
    }
    return folder;
  }

  /** Two files of Stable Diffusion 2 disagree about padding; golden data of transformers 5.18. */
  @Test
  void stableDiffusion2PadsWithZeroAndTakesExclamationMarksForPadding() throws IOException {
    ClipTokenizer tokenizer =
        ClipTokenizer.load(TinyModels.stableDiffusion2().resolve("tokenizer"));
    int[] golden = Golden.archive("families/networks.npz").array("sd2/text_ids").ints();
    JsonNode prompts = Golden.json("families/index.json").get("prompts");

    assertThat(prompts).hasSize(4);
    for (int i = 0; i < prompts.size(); i++) {
      assertThat(tokenizer.encode(prompts.get(i).asText()).ids())
          .as(prompts.get(i).asText())
          .isEqualTo(Arrays.copyOfRange(golden, i * LENGTH, (i + 1) * LENGTH));
    }
    assertThat(tokenizer.encode("").ids()).endsWith(0, 0, 0);
  }

  /** With the tokens listed in it, the tokenizer's config stands alone. */
  @Test
  void newerTokenizerConfigsStandAlone(@TempDir Path folder) throws IOException {
    Path source = TinyModels.stableDiffusion2().resolve("tokenizer");
    for (String file : List.of("vocab.json", "merges.txt", "special_tokens_map.json")) {
      Files.copy(source.resolve(file), folder.resolve(file));
    }
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"pad_token\": \"<|endoftext|>\", \"model_max_length\": 77}");
    assertThat(ClipTokenizer.load(folder).encode("").ids()).endsWith(0, 0);

    Files.writeString(
        config,
        "{\"pad_token\": \"<|endoftext|>\", \"added_tokens_decoder\": {},"
            + " \"model_max_length\": 77}");
    int[] ids = ClipTokenizer.load(folder).encode("").ids();
    assertThat(ids[76]).isEqualTo(ids[1]).isNotZero();
  }
}
