package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileChecksTest {
  /** Not asked here. */
  private static final BucketChecks BUCKETS =
      new BucketChecks(CommandLine.parse(List.of(), OptionCatalog.of(), Set.of()));

  private final Path folder;

  FileChecksTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void acceptsPathsAndGlobs() throws IOException {
    Files.createFile(folder.resolve("a.txt"));
    Files.createFile(folder.resolve("b.JSONL"));

    assertThat(FileChecks.input(folder + "/a.txt, " + folder + "/*", BUCKETS)).isEmpty();
    assertThat(FileChecks.input(folder + "/{a.txt,b.JSONL}", BUCKETS)).isEmpty();
    assertThat(FileChecks.patterns("x/{a,b}.txt, c.txt")).containsExactly("x/{a,b}.txt", "c.txt");
  }

  @Test
  void namesEachPatternThatMatchesNothing() {
    assertThat(FileChecks.input(folder + "/no.txt," + folder + "/*.txt", BUCKETS))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .isEqualTo(
                        "--input="
                            + folder
                            + "/no.txt: no such file; give the path of one that is there"),
            line ->
                assertThat(line)
                    .startsWith("--input=" + folder + "/*.txt: input must match a file,"));
  }

  @Test
  void namesTheFileThatMayHaveBeenMeant() throws IOException {
    Files.createFile(folder.resolve("prompts.txt"));
    Files.createDirectory(folder.resolve("promts.txts"));

    assertThat(FileChecks.input(folder + "/promts.txt", BUCKETS))
        .containsExactly(
            "--input="
                + folder
                + "/promts.txt: no such file; did you mean "
                + folder
                + "/prompts.txt?");
  }

  @Test
  void namesFileOfUnknownFormat() throws IOException {
    Files.createFile(folder.resolve("a.xlsx"));

    assertThat(FileChecks.input(folder + "/*", BUCKETS))
        .singleElement()
        .asString()
        .startsWith(
            "--input=" + folder + "/*: input must end in one of [.txt, .jsonl, .csv, .tsv],")
        .endsWith(folder + "/a.xlsx");
  }

  @Test
  void refusesDirectoryAndRemoteInput() {
    assertThat(FileChecks.input(folder.toString(), BUCKETS))
        .containsExactly(
            "--input="
                + folder
                + ": a directory; give its files, for example --input='"
                + folder
                + "/*.txt'");
    assertThat(FileChecks.input("s3://bucket/p.txt", BUCKETS))
        .containsExactly(
            "--input=s3://bucket/p.txt: local files and those at gs:// can be read; copy it here");
    assertThat(FileChecks.input("a.txt,,b.txt", BUCKETS))
        .contains(
            "--input=a.txt,,b.txt: nothing between two commas; give paths or globs between them");
  }

  @Test
  void wildcardsMustBeADirectory() throws IOException {
    Path file = Files.createFile(folder.resolve("red.txt"));

    assertThat(FileChecks.wildcards(folder.toString(), BUCKETS)).isEmpty();
    assertThat(FileChecks.wildcards(file.toString(), BUCKETS))
        .contains(
            "--wildcards=" + file + ": no such directory; give the one with the wildcard files");
    assertThat(FileChecks.wildcards("s3://bucket/w", BUCKETS).orElseThrow())
        .contains("must be a local directory or gs://bucket/folder");
  }

  @Test
  void outputMayBeMadeBelowWritableDirectory() {
    assertThat(FileChecks.output(folder + "/new/deeper", BUCKETS)).isEmpty();
    assertThat(FileChecks.output(folder.toString(), BUCKETS)).isEmpty();
  }

  @Test
  void refusesOutputThatCannotBeDirectory() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));

    assertThat(FileChecks.output(file.toString(), BUCKETS))
        .contains("--output=" + file + ": a file; give a directory, or one that can be made");
    assertThat(FileChecks.output(file + "/below", BUCKETS))
        .contains(
            "--output=" + file + "/below: " + file + " is a file; give a path through directories");
    for (String elsewhere : List.of("s3://bucket/out", "file:/tmp/out", "hf://owner/name")) {
      assertThat(FileChecks.output(elsewhere, BUCKETS))
          .contains(
              "--output="
                  + elsewhere
                  + ": must be a local directory or gs://bucket/folder; give one");
    }
  }
}
