package io.shardlight.pipeline;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What surrounds a command: its streams and environment, so that tests can stand in for a terminal.
 *
 * @param out results
 * @param err progress, log lines and problems
 * @param columns width of the terminal behind {@code err}; empty if that is no terminal
 * @param environment environment variables
 */
record Console(
    InputStream in,
    PrintStream out,
    PrintStream err,
    OptionalInt columns,
    Map<String, String> environment) {
  /** Set by the launcher when standard error is a terminal; Java 17 cannot tell by itself. */
  static final String COLUMNS_PROPERTY = "shardlight.terminal.columns";

  /** This process's own; text is UTF-8 whatever the locale says. */
  static Console system() {
    Integer columns = Integer.getInteger(COLUMNS_PROPERTY);
    return new Console(
        System.in,
        new PrintStream(System.out, true, StandardCharsets.UTF_8),
        new PrintStream(System.err, true, StandardCharsets.UTF_8),
        columns == null ? OptionalInt.empty() : OptionalInt.of(columns),
        System.getenv());
  }
}
