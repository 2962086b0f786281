package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunIdentity;
import io.shardlight.data.RunLease;
import io.shardlight.data.RunProcess;
import io.shardlight.fixtures.gcs.FakeGcs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The command as a user types it, on what {@code generate} made. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class VerifyCommandTest {
  private Path home;
  private Path prompts;
  private Path made;

  @BeforeAll
  void makeDataset(@TempDir Path temporary) throws IOException {
    home = temporary;
    // Each size has shards of its own.
    prompts =
        Files.writeString(
            home.resolve("prompts.jsonl"),
            """
            {"prompt": "a red fox", "id": "a"}
            {"prompt": "a lighthouse", "id": "b", "width": 64, "height": 64}
            {"prompt": "a hen", "id": "c", "width": 64, "height": 72}
            """);
    made = home.resolve("made");
    generate(made);
  }

  private void generate(Path output) {
    run(0, "generate", "--input=" + prompts, "--output=" + output, "--steps=1");
  }

  private Terminal run(int status, String... words) {
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(words))
        .as("%s %s", terminal.outLines(), terminal.errLines())
        .isEqualTo(status);
    return terminal;
  }

  /** Without the line that tells the time. */
  private static List<String> lines(Terminal terminal) {
    List<String> lines = new ArrayList<>(terminal.outLines());
    assertThat(lines.removeIf(line -> line.matches("\\d+ objects, [0-9.]+ [kM]?B read in \\d+ s")))
        .isTrue();
    return lines;
  }

  private Path copy(Path folder) throws IOException {
    Path copy = folder.resolve("it's a copy");
    try (Stream<Path> files = Files.walk(made)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, copy.resolve(made.relativize(file).toString()));
      }
    }
    return copy;
  }

  private static Map<String, byte[]> contents(Path dataset) throws IOException {
    Map<String, byte[]> contents = new TreeMap<>();
    try (Stream<Path> files = Files.walk(dataset)) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        contents.put(dataset.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    contents.keySet().removeIf(name -> name.startsWith("runs/"));
    return contents;
  }

  @Test
  void aDatasetIsWholeAndLeftAsItIs() throws IOException {
    Map<String, byte[]> before = contents(made);

    Terminal terminal = run(0, "verify", made.toString());

    assertThat(lines(terminal))
        .containsExactly("Whole: 3 images in 3 complete shards", "Dataset: " + made);
    assertThat(terminal.errLines()).isEmpty();
    assertThat(contents(made)).containsExactlyEntriesOf(before);
  }

  /** With a shell, as the line is meant for one. */
  @Test
  void theCommandThatIsPrintedRepairsADataset(@TempDir Path folder) throws Exception {
    Path dataset = copy(folder);
    Files.write(dataset.resolve("images/00001.tar"), new byte[10]);
    Files.writeString(dataset.resolve("_shards/00002.json"), "?");

    List<String> lines = lines(run(1, "verify", dataset.toString()));

    assertThat(lines.get(0)).startsWith("images/00001.tar: must have ");
    assertThat(lines)
        .anyMatch(line -> line.startsWith("_shards/00002.json: must be what was written when"))
        .contains(
            "Damaged: 3 problems in a dataset of 3 images in 2 complete shards",
            "To repair it, remove what is in the way, and run the command that made it again,"
                + " which makes it anew:");
    String command = lines.get(lines.size() - 2);
    assertThat(command).startsWith("  rm '").contains("/_SUCCESS'").contains("it'\\''s a copy");
    Process shell = new ProcessBuilder("sh", "-c", command).inheritIO().start();
    assertThat(shell.waitFor()).isZero();
    assertThat(lines(run(1, "verify", dataset.toString())).get(0))
        .startsWith("Not finished, as there is no _SUCCESS; what is complete is whole: 1 image in");
    generate(dataset);
    run(0, "verify", dataset.toString());
    assertThat(contents(dataset)).containsExactlyEntriesOf(contents(made));
  }

  @Test
  void tellsProgramsToo(@TempDir Path folder) throws IOException {
    JsonNode whole = new ObjectMapper().readTree(run(0, "verify", "--json", made.toString()).out());
    Path dataset = copy(folder);
    Files.delete(dataset.resolve("images/00001.tar"));
    JsonNode damaged =
        new ObjectMapper().readTree(run(1, "verify", dataset.toString(), "--json").out());

    assertThat(whole.get("whole").asBoolean()).isTrue();
    assertThat(whole.get("images").asInt()).isEqualTo(3);
    assertThat(whole.get("problems")).isEmpty();
    assertThat(whole.get("bytes_read").asLong()).isPositive();
    assertThat(damaged.get("whole").asBoolean()).isFalse();
    assertThat(damaged.get("finished").asBoolean()).isTrue();
    assertThat(damaged.get("problem_count").asInt()).isOne();
    assertThat(damaged.get("problems").get(0).toString())
        .isEqualTo(
            "{\"object\":\"images/00001.tar\",\"problem\":\"must be there, as _shards/00001.json"
                + " says, but is not\"}");
    assertThat(damaged.get("remove").toString()).isEqualTo("[\"_SUCCESS\",\"_shards/00001.json\"]");
  }

  @Test
  void manyProblemsAreCountedAndTheFirstOnesTold(@TempDir Path folder) throws IOException {
    Path dataset = copy(folder);
    for (int i = 10; i < 60; i++) {
      Files.createFile(dataset.resolve("images/000" + i + ".tar"));
    }

    List<String> lines = run(1, "verify", dataset.toString()).outLines();

    assertThat(lines.get(20)).isEqualTo("and 30 more problems");
    assertThat(lines.get(21)).startsWith("Damaged: 50 problems in a dataset of 3 images");
    assertThat(lines.get(lines.size() - 2)).isEqualTo("and 31 more objects, which --json lists");
  }

  @Test
  void aDatasetThatIsBeingWrittenIsNotFinished(@TempDir Path folder) throws IOException {
    Path dataset = copy(folder);
    Files.delete(dataset.resolve("_SUCCESS"));
    RunLease lease =
        new RunLease(
            ObjectStore.open(dataset.toString()), new RunIdentity("other", RunProcess.current()));
    lease.take();

    assertThat(lines(run(1, "verify", dataset.toString())))
        .containsExactly(
            "Not finished, as there is no _SUCCESS; what is complete is whole: 3 images in 3"
                + " complete shards; 3 were asked for",
            "a run is writing it now; verify it again when that has ended",
            "The command that made it goes on where it was",
            "Dataset: " + dataset);
  }

  @Test
  void readsBuckets() throws IOException {
    try (FakeGcs gcs = FakeGcs.start("datasets")) {
      contents(made).forEach((name, bytes) -> gcs.put("datasets", "a/b/" + name, bytes));
      List<String> words = new ArrayList<>(List.of("verify", "gs://datasets/a/b/"));
      words.addAll(gcs.beamOptions());
      String[] verify = words.toArray(new String[0]);

      assertThat(lines(run(0, verify)))
          .containsExactly("Whole: 3 images in 3 complete shards", "Dataset: gs://datasets/a/b");

      gcs.put("datasets", "a/b/manifest/00000.avro", "?".getBytes(UTF_8));
      List<String> lines = lines(run(1, verify));
      assertThat(lines.get(0)).startsWith("manifest/00000.avro: must have ");
      assertThat(lines)
          .contains(
              "  gcloud storage rm gs://datasets/a/b/_SUCCESS gs://datasets/a/b/_shards/00000.json"
                  + " gs://datasets/a/b/manifest/00000.avro");
    }
  }
}
