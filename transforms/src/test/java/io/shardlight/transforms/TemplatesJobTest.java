package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.DatasetPlan;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunScope;
import io.shardlight.data.Sampling;
import io.shardlight.data.TemplateSettings;
import io.shardlight.data.TestSettings;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Templates through the whole job. */
class TemplatesJobTest {
  private final Path folder;
  private final Path input;
  private final Path wildcards;

  TemplatesJobTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    this.input = folder.resolve("prompts.txt");
    this.wildcards = folder.resolve("wild cards");
    Files.createDirectories(wildcards.resolve("below"));
    Files.writeString(
        input,
        """
        a {red|green|blue} fox, __below/mood__
        a plain hen
        a {red fox
        a __absent__ fox
        """);
    Files.writeString(wildcards.resolve("below/mood.txt"), "# mood\nhappy\nsad\ntired\n");
    Files.writeString(wildcards.resolve("notes.md"), "not read");
  }

  @Test
  void everyImageGetsADrawOfItsOwnAndRowsKeepTheTemplate() throws Exception {
    DatasetJob job = job("out", settings().build());

    job.run();

    List<GenericRecord> rows = job.rows();
    assertThat(rows).hasSize(24);
    List<GenericRecord> foxes =
        rows.stream().filter(row -> row.get("source_line").equals(1L)).collect(Collectors.toList());
    assertThat(foxes.stream().map(row -> row.get("prompt").toString()).distinct().toList())
        .hasSizeGreaterThan(4)
        .allMatch(text -> text.matches("a (red|green|blue) fox, (happy|sad|tired)"));
    assertThat(foxes).allSatisfy(row -> assertThat(template(row)).startsWith("a {red|green"));
    assertThat(foxes.stream().map(row -> row.get("example_id").toString()).distinct()).hasSize(12);
    assertThat(rows)
        .filteredOn(row -> row.get("source_line").equals(2L))
        .allSatisfy(row -> assertThat(template(row)).isEqualTo("null"));
    assertThat(rejected(job)).contains("\"line\":3", "never closes", "\"line\":4", "__absent__");
  }

  @Test
  void theSameDatasetComesOfAnyParallelism() throws Exception {
    DatasetJob one = job("one", settings().build()).withTargetParallelism(1);
    DatasetJob four = job("four", settings().build()).withTargetParallelism(4);

    one.run();
    four.run();

    assertThat(four.files()).containsExactlyEntriesOf(one.files());
  }

  @Test
  void withoutTheOptionBracesStayAsTyped() throws Exception {
    DatasetJob job = job("out", settings().templates(TemplateSettings.OFF).build());

    job.run();

    assertThat(job.rows().stream().map(row -> row.get("prompt").toString()).distinct().toList())
        .containsExactlyInAnyOrder(
            "a {red|green|blue} fox, __below/mood__",
            "a plain hen",
            "a {red fox",
            "a __absent__ fox");
  }

  @Test
  void otherWildcardsAreNoticedBeforeAResumedRunStarts() throws Exception {
    job("out", settings().build()).run();

    Files.writeString(wildcards.resolve("below/mood.txt"), "# other comment\nhappy\nsad\ntired\n");
    assertThat(problem()).isEmpty();
    Files.writeString(wildcards.resolve("below/mood.txt"), "happy\nsad\n");
    assertThat(problem().orElseThrow()).contains("wildcards_sha256 is \"", "there and");
  }

  @Test
  void wildcardsThatChangeWhileAJobStartsFailIt() throws Exception {
    GenerationSettings settings = settings().build();
    Files.writeString(wildcards.resolve("new.txt"), "new\n");

    assertThatThrownBy(() -> job("out", settings).run())
        .hasStackTraceContaining("as they were when the job was started");
  }

  @Test
  void aWildcardFileThatIsNotUtf8IsNamed() throws Exception {
    Path bad = wildcards.resolve("bad.txt");
    Files.write(bad, "grün".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> WildcardFiles.describe(wildcards.toString()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(bad.toString())
        .hasMessageContaining("line 1: wanted UTF-8");
  }

  private Optional<String> problem() throws IOException {
    return DatasetPlan.problem(
        ObjectStore.open(folder.resolve("out").toString()),
        settings().build(),
        RunScope.INCREMENTAL);
  }

  private GenerationSettings.Builder settings() throws IOException {
    return TestSettings.builder()
        .sampling(new Sampling(SchedulerKind.PNDM, 20, 7.5f, 16, 24))
        .imagesPerPrompt(12)
        .shardSize(10)
        .templates(WildcardFiles.describe(wildcards.toString()));
  }

  private DatasetJob job(String output, GenerationSettings settings) {
    return new DatasetJob(input, folder.resolve(output), settings);
  }

  private static String template(GenericRecord row) {
    Map<?, ?> carried = (Map<?, ?>) row.get("carried");
    return carried.entrySet().stream()
        .filter(entry -> entry.getKey().toString().equals("prompt_template"))
        .map(entry -> entry.getValue().toString())
        .findFirst()
        .orElse("null");
  }

  private static String rejected(DatasetJob job) throws IOException {
    return job.files().entrySet().stream()
        .filter(file -> file.getKey().startsWith("rejected/"))
        .map(file -> new String(file.getValue(), StandardCharsets.UTF_8))
        .collect(Collectors.joining());
  }
}
