package io.shardlight.pipeline;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** The options of a command of {@code ./shardlight}, as its help lists them. */
public final class CommandHelp {
  private CommandHelp() {}

  /** With their dashes. */
  public static Set<String> options(String command) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    int status =
        Shardlight.run(
            List.of(command, "--help"),
            new Console(
                InputStream.nullInputStream(), stream, stream, OptionalInt.empty(), Map.of()));
    String text = out.toString(StandardCharsets.UTF_8);
    if (status != 0) {
      throw new AssertionError(text);
    }
    Set<String> options = new TreeSet<>();
    Pattern.compile("(?m)^ *(--[A-Za-z]+)")
        .matcher(text)
        .results()
        .forEach(r -> options.add(r.group(1)));
    return options;
  }
}
