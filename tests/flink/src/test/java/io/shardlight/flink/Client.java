package io.shardlight.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The program in a JVM of its own, started as the launcher does. */
final class Client implements AutoCloseable {
  private final Process process;
  private final Path log;

  private Client(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts a command.
   *
   * @param home stands in for the user's home
   */
  static Client start(Path home, List<String> words) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.add("io.shardlight.pipeline.Shardlight");
    command.addAll(words);
    Path log = Files.createTempFile(home, "client", ".log");
    ProcessBuilder builder = new ProcessBuilder(command);
    builder
        .environment()
        .put(
            "CLASSPATH",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    builder.environment().put("XDG_CACHE_HOME", home.resolve("cache").toString());
    return new Client(builder.redirectErrorStream(true).redirectOutput(log.toFile()).start(), log);
  }

  /** Waits for its end and gives its exit status. */
  int status() throws InterruptedException {
    if (!process.waitFor(5, TimeUnit.MINUTES)) {
      throw new IllegalStateException("the program does not end");
    }
    return process.exitValue();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** As Ctrl-C does. */
  void terminate() {
    process.destroy();
  }

  /** What it has printed so far. */
  String printed() throws IOException {
    return Files.readString(log);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
