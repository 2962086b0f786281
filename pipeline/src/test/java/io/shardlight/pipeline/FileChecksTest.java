package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileChecksTest {
  private final Path folder;

  FileChecksTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void acceptsPathsAndGlobs() throws IOException {
    Files.createFile(folder.resolve("a.txt"));
    Files.createFile(folder.resolve("b.JSONL"));

    assertThat(FileChecks.input(folder + "/a.txt, " + folder + "/*")).isEmpty();
    assertThat(FileChecks.input(folder + "/{a.txt,b.JSONL}")).isEmpty();
    assertThat(FileChecks.patterns("x/{a,b}.txt, c.txt")).containsExactly("x/{a,b}.txt", "c.txt");
  }

  @Test
  void namesEachPatternThatMatchesNothing() {
    assertThat(FileChecks.input(folder + "/no.txt," + folder + "/*.txt"))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .startsWith("--input=" + folder + "/no.txt: input must match a file,"),
            line ->
                assertThat(line)
                    .startsWith("--input=" + folder + "/*.txt: input must match a file,"));
  }

  @Test
  void namesFileOfUnknownFormat() throws IOException {
    Files.createFile(folder.resolve("a.xlsx"));

    assertThat(FileChecks.input(folder + "/*"))
        .singleElement()
        .asString()
        .startsWith(
            "--input=" + folder + "/*: input must end in one of [.txt, .jsonl, .csv, .tsv],")
        .endsWith(folder + "/a.xlsx");
  }

  @Test
  void refusesDirectoryAndRemoteInput() {
    assertThat(FileChecks.input(folder.toString()))
        .containsExactly(
            "--input="
                + folder
                + ": a directory; give its files, for example --input='"
                + folder
                + "/*.txt'");
    assertThat(FileChecks.input("gs://bucket/p.txt"))
        .containsExactly(
            "--input=gs://bucket/p.txt: only local files can be read in this version; copy it"
                + " here");
    assertThat(FileChecks.input("a.txt,,b.txt"))
        .contains(
            "--input=a.txt,,b.txt: nothing between two commas; give paths or globs between them");
  }

  @Test
  void wildcardsMustBeADirectory() throws IOException {
    Path file = Files.createFile(folder.resolve("red.txt"));

    assertThat(FileChecks.wildcards(folder.toString())).isEmpty();
    assertThat(FileChecks.wildcards(file.toString()))
        .contains(
            "--wildcards=" + file + ": no such directory; give the one with the wildcard files");
    assertThat(FileChecks.wildcards("gs://bucket/w").orElseThrow()).contains("only local");
  }

  @Test
  void outputMayBeMadeBelowWritableDirectory() {
    assertThat(FileChecks.output(folder + "/new/deeper")).isEmpty();
    assertThat(FileChecks.output(folder.toString())).isEmpty();
  }

  @Test
  void refusesOutputThatCannotBeDirectory() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));

    assertThat(FileChecks.output(file.toString()))
        .contains("--output=" + file + ": a file; give a directory, or one that can be made");
    assertThat(FileChecks.output(file + "/below"))
        .contains(
            "--output=" + file + "/below: " + file + " is a file; give a path through directories");
    assertThat(FileChecks.output("gs://bucket/out"))
        .contains(
            "--output=gs://bucket/out: only local directories can be written in this version; give"
                + " one");
  }
}
