package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GalleryCommandTest {
  private Path home;
  private Path dataset;

  @BeforeAll
  void generate(@TempDir Path temporary) throws IOException {
    home = temporary;
    dataset = home.resolve("out");
    Path prompts = Files.writeString(home.resolve("prompts.txt"), "a red fox\na lighthouse\n");
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run("generate", "--input=" + prompts, "--output=" + dataset, "--steps=1"))
        .as("%s", terminal.errLines())
        .isZero();
    assertThat(terminal.outLines())
        .endsWith("Gallery: " + dataset.resolve("gallery/index.html"), "Dataset: " + dataset);
  }

  @Test
  void drawsWhatGenerateDrewAgain() throws IOException {
    byte[] page = Files.readAllBytes(dataset.resolve("gallery/index.html"));
    byte[] sheet = Files.readAllBytes(dataset.resolve("contact-sheet.png"));
    Files.writeString(dataset.resolve("gallery/index.html"), "an older one");
    Files.delete(dataset.resolve("contact-sheet.png"));
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("gallery", dataset.toString())).isZero();

    assertThat(terminal.outLines())
        .containsExactly(
            "2 images drawn",
            "Contact sheet: " + dataset.resolve("contact-sheet.png"),
            "Gallery: " + dataset.resolve("gallery/index.html"));
    assertThat(dataset.resolve("gallery/index.html")).hasBinaryContent(page);
    assertThat(dataset.resolve("contact-sheet.png")).hasBinaryContent(sheet);
  }

  @Test
  void tellsProgramsToo() throws IOException {
    for (String[] words :
        new String[][] {
          {"gallery", "--json", dataset.toString()},
          {"gallery", "--dataset=" + dataset, "--json"},
          {"gallery", "--dataset", dataset.toString(), "--json=true"}
        }) {
      Terminal terminal = Terminal.at(home);

      assertThat(terminal.run(words)).isZero();

      JsonNode json = new ObjectMapper().readTree(terminal.out());
      assertThat(json.get("images").asInt()).isEqualTo(2);
      assertThat(json.get("missing").asInt()).isZero();
      assertThat(json.get("finished").asBoolean()).isTrue();
      assertThat(json.get("gallery_bytes").asLong())
          .isEqualTo(Files.size(Path.of(json.get("gallery").asText())));
    }
  }

  @Test
  void saysWhatIsMissingAndThatTheJobIsNotDone(@TempDir Path other) throws IOException {
    Path copy = other.resolve("copy");
    try (var files = Files.walk(dataset)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (!file.getFileName().toString().equals("_SUCCESS")
            && !file.toString().endsWith(".tar")
            && !file.toString().endsWith(".png")) {
          Files.copy(file, copy.resolve(dataset.relativize(file).toString()));
        }
      }
    }
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("gallery", copy.toString())).isZero();

    assertThat(terminal.outLines())
        .startsWith(
            "0 images drawn",
            "2 images are missing or damaged; the page says which",
            "The dataset is not finished: this is what its complete shards hold");
  }

  @Test
  void refusesWhatIsNoDataset(@TempDir Path other) throws IOException {
    Path file = Files.writeString(other.resolve("file"), "x");
    String[][] lines = {
      {other.resolve("none").toString(), "no such directory; give the --output of a generate"},
      {file.toString(), "a file; give the directory of a dataset"},
      {
        other.toString(),
        "not a dataset, as it has no _shards/plan.json; give the --output of a generate"
      },
      {"s3://bucket/out", "must be a local directory or gs://bucket/folder; give one"},
    };
    for (String[] line : lines) {
      Terminal terminal = Terminal.at(home);

      assertThat(terminal.run("gallery", line[0])).isEqualTo(2);

      assertThat(terminal.errLines())
          .containsExactly(
              "--dataset=" + line[0] + ": " + line[1],
              "Nothing was started. ./shardlight gallery --help explains.");
    }
  }

  @Test
  void refusesNoneAndTwo() {
    Terminal none = Terminal.at(home);
    Terminal two = Terminal.at(home);

    assertThat(none.run("gallery")).isEqualTo(2);
    assertThat(two.run("gallery", "out", "out2", "--size=3")).isEqualTo(2);

    assertThat(none.errLines().get(0)).startsWith("--dataset: missing; give a value");
    assertThat(two.errLines())
        .anyMatch(line -> line.startsWith("--dataset=out2: given twice; keep one"))
        .anyMatch(line -> line.startsWith("--size=3: no such option"));
  }

  @Test
  void failsWhereNoShardIsComplete(@TempDir Path other) throws IOException {
    Files.createDirectories(other.resolve("_shards"));
    Files.writeString(other.resolve("_shards/plan.json"), "{}");
    Terminal terminal = Terminal.at(home);

    assertThat(terminal.run("gallery", other.toString())).isEqualTo(1);

    assertThat(terminal.errLines().get(0)).contains("no shard of " + other + " is complete yet");
  }
}
