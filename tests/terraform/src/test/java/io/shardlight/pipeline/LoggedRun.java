package io.shardlight.pipeline;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** A run of {@code generate} with the demo model, and what it logs. */
public final class LoggedRun {
  private LoggedRun() {}

  /** The log's lines at INFO and above, from "Report of run" on where they have it. */
  public static List<String> lines(Path folder, String jsonl) throws IOException {
    Path input = Files.writeString(folder.resolve("prompts.jsonl"), jsonl);
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    PrintStream err = new PrintStream(log, true, StandardCharsets.UTF_8);
    int status =
        Shardlight.run(
            List.of(
                "generate",
                "--verbose=true",
                "--input=" + input,
                "--output=" + folder.resolve("out"),
                "--steps=1",
                "--width=64",
                "--height=64"),
            new Console(
                InputStream.nullInputStream(),
                new PrintStream(PrintStream.nullOutputStream(), true, StandardCharsets.UTF_8),
                err,
                OptionalInt.empty(),
                Map.of(CacheDirectory.VARIABLE, folder.resolve("cache").toString())));
    String text = log.toString(StandardCharsets.UTF_8);
    if (status != 0) {
      throw new AssertionError(text);
    }
    return text.lines().map(line -> line.replaceFirst("^\\w+: (?=Report of run)", "")).toList();
  }
}
