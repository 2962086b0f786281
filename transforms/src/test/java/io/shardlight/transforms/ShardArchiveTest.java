package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.data.Example;
import io.shardlight.data.ExamplePlanner;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.Overrides;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.StoredObject;
import io.shardlight.data.TestSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardArchiveTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final GenerationSettings SETTINGS = TestSettings.builder().build();
  private static final String HOSTILE =
      "../../etc/passwd\u0000 \"quoted\"\n\tein grüner Käfer, 猫 \ud83e\udd8a .tar/ "
          + "x".repeat(100_000);

  private final Path folder;
  private final ObjectStore store;

  ShardArchiveTest(@TempDir Path folder) {
    this.folder = folder;
    this.store = ObjectStore.open(folder.toString());
  }

  private static List<Example> examples(String... prompts) {
    List<Example> examples = new ArrayList<>();
    for (String prompt : prompts) {
      PromptSource source = new PromptSource("p.txt", examples.size() + 1);
      new ExamplePlanner(SETTINGS)
          .plan(
              new Prompt(
                  source, Prompt.defaultId(source), prompt, Overrides.NONE, Map.of("a", "b")),
              examples::add);
    }
    examples.sort(Example.ORDER);
    return examples;
  }

  private static ManifestRow add(ShardArchive archive, int index, Example example)
      throws IOException {
    byte[] image = ("image of " + example.id()).getBytes(UTF_8);
    StoredObject file = StoredObject.of(archive.fileName(example.id()), image);
    return archive.add(index, ManifestRow.ok(example, file, false, Optional.empty()), image);
  }

  /** Three examples, of which the second has no image; they come in last first. */
  private StoredObject archive(List<Example> examples) throws IOException {
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 7)) {
      add(archive, 2, examples.get(2));
      archive.addNone(1);
      add(archive, 0, examples.get(0));
      return archive.commit(List.of()).archive().orElseThrow();
    }
  }

  @Test
  void partsStandSideBySideInOrderWithNothingOfTheMachine() throws Exception {
    List<Example> examples = examples("a fox", "an owl", HOSTILE);

    StoredObject object = archive(examples);

    Path file = folder.resolve("images/00007.tar");
    assertThat(object).isEqualTo(StoredObject.of("images/00007.tar", Files.readAllBytes(file)));
    String first = examples.get(0).id();
    String last = examples.get(2).id();
    try (TarFile tar = new TarFile(file)) {
      assertThat(tar.getEntries())
          .extracting(TarArchiveEntry::getName)
          .containsExactly(
              first + ".json",
              first + ".png",
              first + ".txt",
              last + ".json",
              last + ".png",
              last + ".txt")
          .isSorted();
      for (TarArchiveEntry entry : tar.getEntries()) {
        assertThat(entry.getLastModifiedTime().toMillis()).isEqualTo(315_532_800_000L);
        assertThat(entry.getLongUserId()).isZero();
        assertThat(entry.getLongGroupId()).isZero();
        assertThat(entry.getUserName()).isEmpty();
        assertThat(entry.getGroupName()).isEmpty();
        assertThat(entry.getMode() & 0777).isEqualTo(0644);
        assertThat(entry.isFile()).isTrue();
      }
    }
  }

  @Test
  void textsHoldWhatATrainerWants() throws Exception {
    List<Example> examples = examples("a fox", "an owl", HOSTILE);
    Example hostile =
        examples.stream().filter(e -> e.prompt().equals(HOSTILE)).findFirst().orElseThrow();
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 7)) {
      add(archive, 0, hostile);
      archive.commit(List.of());
    }

    try (TarFile tar = new TarFile(folder.resolve("images/00007.tar"))) {
      List<TarArchiveEntry> entries = tar.getEntries();
      byte[] text = tar.getInputStream(entries.get(2)).readAllBytes();
      assertThat(new String(text, UTF_8)).isEqualTo(HOSTILE);
      JsonNode json = JSON.readTree(tar.getInputStream(entries.get(0)).readAllBytes());
      assertThat(json.get("caption").textValue()).isEqualTo(HOSTILE);
      assertThat(json.get("key").textValue()).isEqualTo(hostile.id());
      assertThat(json.get("seed").longValue()).isEqualTo(hostile.seed());
      assertThat(json.get("steps").intValue()).isEqualTo(20);
      assertThat(json.get("guidance_scale").doubleValue()).isEqualTo(7.5);
      assertThat(json.get("width").intValue()).isEqualTo(64);
      assertThat(json.get("file_name").textValue())
          .isEqualTo("images/00007.tar/" + hostile.id() + ".png");
      assertThat(json.get("sha256").textValue()).hasSize(64);
      assertThat(json.get("carried").get("a").textValue()).isEqualTo("b");
    }
  }

  @Test
  void theSameExamplesGiveTheSameBytesInAnyOrder() throws Exception {
    List<Example> examples = examples("a fox", "an owl", "a hen");
    StoredObject one = archive(examples);
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 7)) {
      add(archive, 0, examples.get(0));
      archive.addNone(1);
      add(archive, 2, examples.get(2));

      // The object that is there is adopted.
      assertThat(archive.commit(List.of()).archive()).contains(one);
    }
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 7)) {
      ManifestRow row = add(archive, 0, examples.get(1));
      assertThatThrownBy(() -> archive.commit(List.of(row)))
          .isInstanceOf(ObjectConflictException.class);
    }
  }

  @Test
  void aShardWithoutImagesIsAnArchiveWithoutMembers() throws Exception {
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 0)) {
      archive.addNone(0);
      archive.commit(List.of());
    }

    assertThat(folder.resolve("images/00000.tar")).hasSize(10_240);
    try (TarFile tar = new TarFile(folder.resolve("images/00000.tar"))) {
      assertThat(tar.getEntries()).isEmpty();
    }
  }

  @Test
  void whatIsNotWholeIsNeverSeen() throws Exception {
    List<Path> spools = new ArrayList<>();
    List<Example> examples = examples("a fox", "an owl");
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 0)) {
      spools.add(archive.spool());
      add(archive, 0, examples.get(0));
      assertThatThrownBy(() -> add(archive, 0, examples.get(0))).hasMessageContaining("came twice");
      assertThat(archive.spool()).exists();
    }
    try (ShardArchive archive = ShardArchive.begin(store, SETTINGS, 0)) {
      spools.add(archive.spool());
      add(archive, 1, examples.get(1));
      assertThatThrownBy(() -> archive.commit(List.of()))
          .hasMessageContaining("example 0 of shard 0 is missing, but later ones are there");
    }

    assertThat(folder.resolve("images")).doesNotExist();
    assertThat(spools).hasSize(2).noneMatch(Files::exists);
  }

  @Test
  void gnuTarReadsIt() throws Exception {
    List<Example> examples = examples("a fox", "an owl", HOSTILE);
    archive(examples);
    Path out = Files.createDirectory(folder.resolve("unpacked"));

    String told = run("tar", "-xvf", folder.resolve("images/00007.tar").toString(), "-C", "" + out);

    assertThat(told.lines()).hasSize(6).allMatch(line -> line.matches("[0-9a-f]{32}\\.[a-z]+"));
    assertThat(out.resolve(examples.get(0).id() + ".txt")).hasContent(examples.get(0).prompt());
  }

  @Test
  void pythonReadsIt() throws Exception {
    archive(examples("a fox", "an owl", HOSTILE));
    // As WebDataset goes about it: a stream, and names cut at their first dot.
    String program =
        """
        import json, sys, tarfile
        samples = {}
        with tarfile.open(sys.argv[1], mode="r|*") as tar:
            for member in tar:
                assert member.isfile() and member.mtime == 315532800, member
                key, extension = member.name.split(".", 1)
                samples.setdefault(key, {})[extension] = tar.extractfile(member).read()
        for key, sample in samples.items():
            assert sorted(sample) == ["json", "png", "txt"], sorted(sample)
            row = json.loads(sample["json"])
            assert row["caption"] == sample["txt"].decode() and row["key"] == key
        print(len(samples))
        """;

    assertThat(run("python3", "-c", program, folder.resolve("images/00007.tar").toString()))
        .isEqualTo("2\n");
  }

  /** Reported as skipped where the program is missing. */
  private static String run(String... command) throws Exception {
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, command[0] + " is not there");
      throw e;
    }
    String told = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(told).isZero();
    return told;
  }
}
