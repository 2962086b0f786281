package io.shardlight.templates;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The machine's own engine of POSIX's extended expressions, asked which lines one matches. */
final class Grep {
  private Grep() {}

  /**
   * The values that {@code grep -E} finds to match, in their order.
   *
   * @param values without line ends
   */
  static List<String> matching(String expression, List<String> values)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder("grep", "-E", "-a", "-e", expression);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    // Ranges of characters are those of ASCII.
    builder.environment().putAll(Map.of("LC_ALL", "C"));
    Process grep = builder.start();
    Thread feeder =
        new Thread(
            () -> {
              try (var in = grep.getOutputStream()) {
                in.write((String.join("\n", values) + "\n").getBytes(StandardCharsets.UTF_8));
              } catch (IOException e) {
                // What it did not read it does not print.
              }
            });
    feeder.start();
    String found = new String(grep.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    feeder.join();
    int status = grep.waitFor();
    if (status > 1) {
      throw new IllegalArgumentException("grep -E does not take the expression " + expression);
    }
    return found.lines().toList();
  }
}
