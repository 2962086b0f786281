package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.gcs.FakeGcs;
import io.shardlight.fixtures.gcs.Fault;
import io.shardlight.fixtures.gcs.FaultPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands on buckets, as a user types them. */
class BucketCommandsTest {
  private static final String NOTHING =
      "Nothing was started. ./shardlight generate --help explains.";
  private static final String PROMPTS = "a lighthouse at dawn\na {red|blue} __animal__\n";

  private final FakeGcs gcs = FakeGcs.start("prompts", "datasets");
  private final Path home;

  BucketCommandsTest(@TempDir Path home) {
    this.home = home;
    gcs.put("prompts", "in/a.txt", PROMPTS.getBytes(UTF_8));
    gcs.put("prompts", "wild/animal.txt", "fox\nhen\n".getBytes(UTF_8));
  }

  @AfterEach
  void stop() {
    gcs.close();
  }

  private Terminal run(int status, String... words) {
    List<String> all = new ArrayList<>(List.of(words));
    all.addAll(gcs.beamOptions());
    Terminal terminal = Terminal.at(home);
    assertThat(terminal.run(all.toArray(new String[0])))
        .as("%s", terminal.errLines())
        .isEqualTo(status);
    return terminal;
  }

  private Terminal generate(int status, String output, String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "generate",
                "--input=gs://prompts/in/*.txt",
                "--output=" + output,
                "--wildcards=gs://prompts/wild/",
                "--expandTemplates=true",
                "--steps=1"));
    words.addAll(List.of(more));
    return run(status, words.toArray(new String[0]));
  }

  private Map<String, byte[]> localFiles() throws IOException {
    Path input = Files.writeString(home.resolve("a.txt"), PROMPTS);
    Path wild = Files.createDirectory(home.resolve("wild"));
    Files.writeString(wild.resolve("animal.txt"), "fox\nhen\n");
    Path out = home.resolve("out");
    Terminal terminal = Terminal.at(home);
    assertThat(
            terminal.run(
                "generate",
                "--input=" + input,
                "--output=" + out,
                "--wildcards=" + wild,
                "--expandTemplates=true",
                "--steps=1"))
        .isZero();
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(out)) {
      for (Path file : (Iterable<Path>) walk.filter(Files::isRegularFile)::iterator) {
        files.put(out.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    files.keySet().removeIf(name -> name.startsWith("runs/"));
    return files;
  }

  private Map<String, byte[]> objects() {
    Map<String, byte[]> objects = new TreeMap<>();
    gcs.objects("datasets")
        .forEach((name, content) -> objects.put(name.substring("a/b/".length()), content));
    objects.keySet().removeIf(name -> name.startsWith("runs/"));
    return objects;
  }

  @Test
  void generatesAndDrawsTheGalleryFromBucketToBucket() throws Exception {
    Terminal terminal = generate(0, "gs://datasets/a/b/");

    assertThat(terminal.outLines())
        .anyMatch(line -> line.startsWith("2 images made in "))
        .endsWith("Gallery: gs://datasets/a/b/gallery/index.html", "Dataset: gs://datasets/a/b");
    assertThat(terminal.errLines()).noneMatch(line -> line.startsWith("warning"));
    Map<String, byte[]> objects = objects();
    assertThat(objects).containsExactlyEntriesOf(localFiles());

    JsonNode again = new ObjectMapper().readTree(generate(0, "gs://datasets/a/b", "--json").out());
    assertThat(again.at("/counts/already_present").asInt()).isEqualTo(2);
    assertThat(again.get("output").asText()).isEqualTo("gs://datasets/a/b");

    gcs.delete("datasets", "a/b/gallery/index.html");
    gcs.put("datasets", "a/b/contact-sheet.png", new byte[] {1});
    assertThat(run(0, "gallery", "gs://datasets/a/b").outLines())
        .containsExactly(
            "2 images drawn",
            "Contact sheet: gs://datasets/a/b/contact-sheet.png",
            "Gallery: gs://datasets/a/b/gallery/index.html");
    assertThat(objects()).containsExactlyEntriesOf(objects);

    assertThat(generate(2, "gs://datasets/a/b", "--seed=7").errLines().get(0))
        .startsWith("--output=gs://datasets/a/b: output gs://datasets/a/b holds another dataset")
        .contains("seed is 0 there and 7 now");
  }

  @Test
  void everythingThatIsWrongHasOneLine() {
    gcs.put("prompts", "in/more/b.txt", new byte[0]);
    gcs.put("datasets", "holiday/beach.jpg", new byte[0]);

    assertThat(
            run(
                    2,
                    "generate",
                    "--input=gs://prompts/none/*.txt,gs://prompts/in/more/,gs://no-bucket/a.txt",
                    "--wildcards=gs://prompts/in/more/x",
                    "--expandTemplates=true",
                    "--output=gs://Datasets/x")
                .errLines())
        .containsExactly(
            "--input=gs://prompts/none/*.txt: input must match a file, but found none for"
                + " \"gs://prompts/none/*.txt\"; check the path",
            "--input=gs://prompts/in/more/: a directory; give its files, for example"
                + " --input='gs://prompts/in/more/*.txt'",
            "--input=gs://no-bucket/a.txt: there is no bucket no-bucket; make it by `gcloud storage"
                + " buckets create gs://no-bucket`, or name another",
            "--wildcards=gs://prompts/in/more/x: no .txt file in it; give the one with the wildcard"
                + " files",
            "--output=gs://Datasets/x: a place in a bucket must be gs://bucket or"
                + " gs://bucket/folder, with a bucket's name of 3 to 222 lower-case letters,"
                + " digits, '-', '_' and '.', but was \"gs://Datasets/x\"",
            NOTHING);
    assertThat(generate(2, "gs://datasets/holiday").errLines())
        .containsExactly(
            "--output=gs://datasets/holiday: must be new, empty or hold a dataset, but has"
                + " beach.jpg and no _shards/plan.json; choose another directory",
            NOTHING);
    assertThat(run(2, "gallery", "gs://datasets/holiday").errLines().get(0))
        .isEqualTo(
            "--dataset=gs://datasets/holiday: not a dataset, as it has no _shards/plan.json; give"
                + " the --output of a generate");
  }

  @Test
  void whoMayNotIsToldWhatIsNeeded() {
    gcs.inject(FaultPlan.always("list datasets/", Fault.FORBIDDEN));

    assertThat(generate(2, "gs://datasets/a").errLines())
        .containsExactly(
            "--output=gs://datasets/a: your account may not (403: injected fault FORBIDDEN); have"
                + " it given roles/storage.objectUser on bucket datasets",
            NOTHING);
  }

  @Test
  void aBadOptionOfBeamIsToldOnce() {
    assertThat(generate(2, "gs://datasets/a", "--gcsHttpRequestReadTimeout=soon").errLines())
        .hasSize(2)
        .first()
        .asString()
        .contains("soon");
  }

  @Test
  void aJobThatMayNotWriteFailsBeforeItDraws() {
    gcs.inject(FaultPlan.always("insert", Fault.FORBIDDEN));

    Terminal terminal = generate(1, "gs://datasets/a/b");

    assertThat(terminal.errLines().get(0))
        .startsWith("The job failed: ")
        .contains(
            "wanted to create runs/leases/00001.json in gs://datasets/a/b, but your account may")
        .doesNotContain("\n");
    assertThat(gcs.objects("datasets")).isEmpty();
  }
}
