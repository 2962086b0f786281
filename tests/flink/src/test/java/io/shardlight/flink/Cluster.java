package io.shardlight.flink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * The cluster of the script {@code tests/flink/cluster}. It ends when the pipe to the script is
 * closed, by {@link #close} or because this JVM is gone, whatever ended it.
 */
final class Cluster implements AutoCloseable {
  private final Path directory;
  private final Process script;
  private final String master;
  private final List<ProcessHandle> processes = new ArrayList<>();

  private Cluster(Path directory, Process script, String master) throws IOException {
    this.directory = directory;
    this.script = script;
    this.master = master;
    try (Stream<Path> pids = Files.list(directory.resolve("pids"))) {
      for (Path pid : pids.toList()) {
        ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).ifPresent(processes::add);
      }
    }
  }

  /** Starts one, and waits until all TaskManagers are there. */
  static Cluster start(Path directory) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of("cluster").toAbsolutePath().toString(), "run", directory.toString());
    builder
        .environment()
        .put("FLINK_CLASSPATH", Files.readString(Path.of("target/cluster-classpath")));
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process script = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(script.getInputStream(), StandardCharsets.UTF_8))) {
      String line = lines.readLine();
      if (line == null) {
        throw new IOException("the cluster did not start");
      }
      return new Cluster(directory, script, line);
    }
  }

  /** The option that sends a job here. */
  String master() {
    return master;
  }

  /** What a process has logged so far. */
  String log(String process) throws IOException {
    return Files.readString(directory.resolve("logs").resolve(process + ".log"));
  }

  /** Kills a process without warning. */
  void kill(String process) throws IOException {
    long pid = Long.parseLong(Files.readString(directory.resolve("pids/" + process)).strip());
    ProcessHandle handle = ProcessHandle.of(pid).orElseThrow();
    handle.destroyForcibly();
    handle.onExit().join();
  }

  /** Those of its JVMs that are there. */
  List<ProcessHandle> alive() {
    return processes.stream().filter(ProcessHandle::isAlive).toList();
  }

  @Override
  public void close() throws IOException {
    script.getOutputStream().close();
    try {
      script.onExit().get(30, TimeUnit.SECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      script.destroyForcibly();
      processes.forEach(ProcessHandle::destroyForcibly);
      throw new IOException("the cluster had to be killed", e);
    }
  }
}
