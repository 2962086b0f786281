package io.shardlight.pipeline;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** Stands in for the terminal and keeps what is printed. */
final class Terminal {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Console console;

  private Terminal(String input, Map<String, String> environment) {
    this.console =
        new Console(
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            OptionalInt.empty(),
            environment);
  }

  /** Whose cache is below {@code home}. */
  static Terminal at(Path home) {
    return new Terminal("", Map.of(CacheDirectory.VARIABLE, home.resolve("cache").toString()));
  }

  /** As the first, in a richer environment. */
  static Terminal at(Path home, Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(more);
    environment.put(CacheDirectory.VARIABLE, home.resolve("cache").toString());
    return new Terminal("", environment);
  }

  static Terminal at(Path home, String input) {
    return new Terminal(input, Map.of(CacheDirectory.VARIABLE, home.resolve("cache").toString()));
  }

  /** Runs a command line and gives its exit status. */
  int run(String... words) {
    return Shardlight.run(List.of(words), console);
  }

  Console console() {
    return console;
  }

  String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  List<String> outLines() {
    return out().lines().toList();
  }

  List<String> errLines() {
    return err.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
