package io.shardlight.transforms;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.data.PromptSource;
import io.shardlight.data.Rejection;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPOutputStream;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.testing.PAssert;
import org.apache.beam.sdk.testing.TestPipeline;
import org.apache.beam.sdk.values.PCollectionTuple;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadPromptsTest {
  private final Path folder;
  private final Pipeline pipeline = TestPipeline.create().enableAbandonedNodeEnforcement(false);

  ReadPromptsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void readsEveryLineOfATextFileButCommentsAndBlanks() throws Exception {
    Path file =
        write(
            "prompts.txt",
            "\uFEFF# fruit\r\n  a green apple  \r\n\r\n   # not a prompt\nein Käfer 🐞\na last line"
                .getBytes(UTF_8));

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(
            plain(file, 2, "a green apple"),
            plain(file, 5, "ein Käfer 🐞"),
            plain(file, 6, "a last line"));
    PAssert.that(read.get(ReadPrompts.REJECTIONS)).empty();
    pipeline.run().waitUntilFinish();
  }

  @Test
  void optionLinesSetTheirOwnOrAreRejected() throws Exception {
    Path file =
        write(
            "prompts.txt",
            "a fox\n--prompt \"a hen\" --steps 3\n--prompt x --stepz 3\n".getBytes(UTF_8));

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(
            plain(file, 1, "a fox"),
            new Prompt(
                source(file, 2),
                "prompts.txt:2",
                "a hen",
                new OverridesBuilder().steps(3).build(),
                Map.of()));
    PAssert.thatSingleton(read.get(ReadPrompts.REJECTIONS))
        .satisfies(
            rejection -> {
              assertThat(rejection.source().line()).isEqualTo(3);
              assertThat(rejection.reason()).startsWith("--stepz is not an option");
              return null;
            });
    pipeline.run().waitUntilFinish();
  }

  @Test
  void badLinesAreRejectedWithFileAndLineAndTheRestGoesOn() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write("a fox\n".getBytes(UTF_8));
    bytes.write("ein Käfer\n".getBytes(ISO_8859_1));
    bytes.write(new byte[3_000_000]);
    bytes.write("\nan owl".getBytes(UTF_8));
    Path file = write("prompts.txt", bytes.toByteArray());

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(plain(file, 1, "a fox"), plain(file, 4, "an owl"));
    PAssert.that(read.get(ReadPrompts.REJECTIONS))
        .containsInAnyOrder(
            new Rejection(source(file, 2), "wanted UTF-8, but found other bytes"),
            new Rejection(
                source(file, 3), "wanted a line of at most 1048576 bytes, but found 3000000"));
    pipeline.run().waitUntilFinish();
  }

  @Test
  void readsJsonLines() throws Exception {
    Path file =
        write(
            "prompts.jsonl",
            """
            {"prompt": "a fox", "topic": "animals"}

            {"caption": "an owl", "id": 7}
            {"prompt": "a hen"
            {"prompt": "a hen"} {"prompt": "a cock"}
            ["a hen"]
            {"prompt": "a hen", "prompt": "a cock"}
            {"topic": "nothing"}
            """
                .getBytes(UTF_8));

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(
            new Prompt(
                source(file, 1),
                "prompts.jsonl:1",
                "a fox",
                Overrides.NONE,
                Map.of("topic", "animals")),
            new Prompt(source(file, 3), "7", "an owl", Overrides.NONE, Map.of()));
    PAssert.that(read.get(ReadPrompts.REJECTIONS))
        .satisfies(
            rejections -> {
              assertThat(rejections)
                  .extracting(rejection -> rejection.source().line())
                  .containsExactlyInAnyOrder(4L, 5L, 6L, 7L, 8L);
              assertThat(rejections)
                  .extracting(Rejection::reason)
                  .anyMatch(
                      reason -> reason.equals("wanted a JSON object, but found JSON of type ARRAY"))
                  .anyMatch(
                      reason -> reason.equals("wanted one of the columns [prompt, caption, text]"))
                  .anyMatch(reason -> reason.contains("Duplicate field 'prompt'"));
              return null;
            });
    pipeline.run().waitUntilFinish();
  }

  @Test
  void readsAFileOnceHoweverManyPatternsMatchItAndUnzipsIt() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write("a fox\nan owl\n".getBytes(UTF_8));
    }
    Path file = write("prompts.txt.gz", bytes.toByteArray());

    PCollectionTuple read = read(file.toString(), folder + "/*.gz");

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(plain(file, 1, "a fox"), plain(file, 2, "an owl"));
    pipeline.run().waitUntilFinish();
  }

  @Test
  void unpacksZstandardFramesOneAfterTheOther() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(zstd("prompt,seed\na fox,7\n"));
    bytes.write(zstd("an owl,\n"));
    Path file = write("prompts.csv.zst", bytes.toByteArray());

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(
            new Prompt(
                source(file, 2),
                "prompts.csv.zst:2",
                "a fox",
                new OverridesBuilder().seed(7L).build(),
                Map.of()),
            plain(file, 3, "an owl"));
    PAssert.that(read.get(ReadPrompts.REJECTIONS)).empty();
    pipeline.run().waitUntilFinish();
  }

  @ParameterizedTest
  @ValueSource(strings = {"prompts.csv.zst", "prompts.txt.zst"})
  void aZstandardFileThatIsDamagedFailsTheJobByItsName(String name) throws Exception {
    byte[] whole = zstd("prompt\n" + "a fox\n".repeat(10_000));
    whole[whole.length / 2] ^= 0x55;
    Path file = write(name, whole);

    read(file.toString());

    assertThatThrownBy(() -> pipeline.run().waitUntilFinish())
        .hasStackTraceContaining("wanted to read " + file + " to its end");
  }

  @Test
  void aZstandardFileThatBreaksOffFailsTheJobByItsName() throws Exception {
    byte[] whole = zstd("prompt\n" + "a fox\n".repeat(10_000));
    Path file = write("prompts.csv.zst", Arrays.copyOf(whole, whole.length - 5));

    read(file.toString());

    assertThatThrownBy(() -> pipeline.run().waitUntilFinish())
        .hasStackTraceContaining("wanted to read " + file + " to its end");
  }

  @Test
  void readsParquetFromItsEnd() throws Exception {
    byte[] bytes;
    try (InputStream in = getClass().getResourceAsStream("/io/shardlight/prompts/int96.parquet")) {
      bytes = Objects.requireNonNull(in).readAllBytes();
    }
    Path file = write("prompts.parquet", bytes);

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS))
        .containsInAnyOrder(
            new Prompt(
                source(file, 1),
                "prompts.parquet:1",
                "a fox",
                Overrides.NONE,
                Map.of("utc", "2026-01-31T12:00:00.250Z")));
    pipeline.run().waitUntilFinish();
  }

  @Test
  void anEmptyFileHasNoPrompts() throws Exception {
    Path file = write("prompts.txt", new byte[0]);

    PCollectionTuple read = read(file.toString());

    PAssert.that(read.get(ReadPrompts.PROMPTS)).empty();
    PAssert.that(read.get(ReadPrompts.REJECTIONS)).empty();
    pipeline.run().waitUntilFinish();
  }

  @Test
  void aFileThatBreaksOffFailsTheJobByItsName() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write("a fox\n".repeat(10_000).getBytes(UTF_8));
    }
    byte[] whole = bytes.toByteArray();
    Path file = write("prompts.txt.gz", Arrays.copyOf(whole, whole.length - 20));

    read(file.toString());

    assertThatThrownBy(() -> pipeline.run().waitUntilFinish())
        .hasStackTraceContaining("wanted to read " + file + " to its end");
  }

  @Test
  void everyPatternIsCheckedBeforeThePipelineStarts() throws Exception {
    Path xlsx = write("prompts.xlsx", new byte[0]);
    read(xlsx.toString(), folder + "/absent-*.txt");

    assertThatThrownBy(pipeline::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "input must end in one of [.txt, .jsonl, .csv, .tsv], with or without [.gz, .zst],"
                + " or in one of [.avro, .parquet]")
        .hasMessageContaining("prompts.xlsx")
        .hasMessageContaining(
            "input must match a file, but found none for \""
                + folder
                + "/absent-*.txt\"; check the path");
  }

  private PCollectionTuple read(String... patterns) {
    return pipeline.apply(ReadPrompts.from(List.of(patterns)));
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static byte[] zstd(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new ZstdCompressorOutputStream(bytes, 3, false, true)) {
      out.write(text.getBytes(UTF_8));
    }
    return bytes.toByteArray();
  }

  private static PromptSource source(Path file, long line) {
    return new PromptSource(file.toString(), line);
  }

  private static Prompt plain(Path file, long line, String text) {
    return new Prompt(
        source(file, line), file.getFileName() + ":" + line, text, Overrides.NONE, Map.of());
  }
}
