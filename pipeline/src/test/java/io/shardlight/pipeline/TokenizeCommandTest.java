package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private final Path home;

  TokenizeCommandTest(@TempDir Path home) {
    this.home = home;
  }

  private static List<JsonNode> goldenPrompts() {
    List<JsonNode> all = new ArrayList<>();
    Golden.json("tiny/tokens.json").get("prompts").forEach(all::add);
    assertThat(all).hasSize(48);
    return all;
  }

  @Test
  void printsGoldenIdsOfEveryPrompt() throws IOException {
    for (JsonNode golden : goldenPrompts()) {
      String prompt = golden.get("prompt").asText();
      Terminal terminal = Terminal.at(home);

      assertThat(terminal.run("tokenize", "--model=" + TinyModels.torch(), "--prompt=" + prompt))
          .isZero();

      assertThat(terminal.outLines()).hasSize(1);
      JsonNode printed = JSON.readTree(terminal.out());
      assertThat(printed.fieldNames()).toIterable().containsExactly("prompt", "ids", "truncated");
      assertThat(printed.get("prompt").asText()).isEqualTo(prompt);
      assertThat(printed.get("ids")).as(prompt).isEqualTo(golden.get("ids_ftfy"));
      assertThat(printed.get("truncated").asBoolean())
          .as(prompt)
          .isEqualTo(golden.get("n_untruncated_ftfy").asInt() > 77);
    }
  }

  @Test
  void readsFileAndStandardInputALineAPrompt() throws IOException {
    String text = "# comment\na red fox\n\n  a lighthouse at dawn  \n";
    Path file = Files.writeString(home.resolve("prompts.txt"), text);
    Terminal fromFile = Terminal.at(home);
    Terminal fromInput = Terminal.at(home, text);

    assertThat(fromFile.run("tokenize", "--input", file.toString())).isZero();
    assertThat(fromInput.run("tokenize")).isZero();

    assertThat(fromFile.outLines())
        .satisfiesExactly(
            line -> assertThat(line).startsWith("{\"prompt\":\"a red fox\",\"ids\":["),
            line -> assertThat(line).startsWith("{\"prompt\":\"a lighthouse at dawn\",\"ids\":["));
    assertThat(fromInput.out()).isEqualTo(fromFile.out());
  }

  @Test
  void demoKnowsTheWordsOfItsWorld() throws IOException {
    Terminal demo = Terminal.at(home);

    assertThat(demo.run("tokenize", "--prompt=three yellow balls left of a blue cube")).isZero();
    assertThat(demo.run("tokenize", "--prompt=a quiet harbour")).isZero();

    // A token a word between start and end; words that it never met fall apart.
    assertThat(demo.outLines()).satisfiesExactly(line -> tokens(line, 8), line -> tokens(line, 9));
  }

  private static void tokens(String line, int count) throws IOException {
    List<Integer> ids = new ArrayList<>();
    JSON.readTree(line).get("ids").forEach(id -> ids.add(id.asInt()));
    int end = ids.get(ids.size() - 1);
    assertThat(ids).hasSize(40);
    assertThat(ids.indexOf(end) - 1).as(line).isEqualTo(count);
  }

  @Test
  void refusesWhatItCannotRead() {
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("tokenize", "--prompt=x", "--input=" + home + "/none.txt"))
        .isEqualTo(2);

    assertThat(terminal.errLines())
        .containsExactly(
            "--prompt and --input: only one can be read; leave one out",
            "--input=" + home + "/none.txt: no such file; give the path of one that is there",
            "Nothing was started. ./shardlight tokenize --help explains.");
  }

  @Test
  void readsPromptFilesAsGenerateDoes() throws IOException {
    Path text = home.resolve("prompts.txt");
    Files.writeString(text, "\uFEFFa red fox\r\n  # indented comment\n\n");
    Path json = home.resolve("prompts.jsonl");
    Files.writeString(json, "{\"id\":\"a\",\"caption\":\"a red fox\",\"seed\":7}\n");
    Path zipped = home.resolve("prompts.txt.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(zipped))) {
      out.write(Files.readAllBytes(text));
    }

    for (Path file : List.of(text, json, zipped)) {
      Terminal terminal = Terminal.at(home);
      assertThat(terminal.run("tokenize", "--input=" + file)).as("%s", file).isZero();
      assertThat(terminal.outLines())
          .singleElement()
          .asString()
          .startsWith("{\"prompt\":\"a red fox\",\"ids\":[");
    }
  }

  @Test
  void namesLinesThatAreNotUtf8AndPrintsTheOthers() throws IOException {
    Path file = home.resolve("prompts.txt");
    Files.write(file, "caf\u00e9\na red fox\n".getBytes(StandardCharsets.ISO_8859_1));
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("tokenize", "--input=" + file)).isEqualTo(1);

    assertThat(terminal.errLines())
        .containsExactly(file + ":1: wanted UTF-8, but found other bytes");
    assertThat(terminal.outLines()).hasSize(1);
  }

  @Test
  void saysThatTruncatedFileEndsTooEarly() throws IOException {
    Path zipped = home.resolve("prompts.txt.gz");
    Files.write(zipped, new byte[] {0x1f, (byte) 0x8b, 8});
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("tokenize", "--input=" + zipped)).isEqualTo(1);

    assertThat(terminal.errLines().get(0))
        .endsWith(
            "wanted to read "
                + zipped
                + " to its end, but could not: it ends too early; make or copy it again");
  }

  @Test
  void refusesFilesOfUnknownFormat() throws IOException {
    Path file = Files.writeString(home.resolve("prompts.xlsx"), "a red fox\n");
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("tokenize", "--input=" + file)).isEqualTo(2);

    assertThat(terminal.errLines().get(0))
        .startsWith("--input=" + file + ": input must end in one of [.txt, .jsonl, .csv, .tsv],");
  }
}
