package io.shardlight.containers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What a script said, both streams, and its exit status.
 *
 * @param status of its end
 * @param output in the order in which it came
 */
record ScriptRun(int status, String output) {
  private static final long LIMIT_MINUTES = 8;

  /** Runs it to its end, with these variables and {@code PATH} unless it is among them. */
  static ScriptRun of(Path directory, Map<String, String> environment, List<String> words)
      throws Exception {
    Path log = Files.createTempFile("script", ".log");
    ProcessBuilder builder =
        new ProcessBuilder(words)
            .directory(directory.toAbsolutePath().toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    String path = System.getenv("PATH");
    builder.environment().clear();
    builder.environment().put("PATH", path == null ? "/usr/bin:/bin" : path);
    builder.environment().putAll(environment);
    Process process = builder.start();
    boolean ended = process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES);
    process.destroyForcibly();
    String output = Files.readString(log);
    Files.delete(log);
    if (!ended) {
      throw new AssertionError(words + " did not end in " + LIMIT_MINUTES + " min: " + output);
    }
    return new ScriptRun(process.exitValue(), output);
  }
}
