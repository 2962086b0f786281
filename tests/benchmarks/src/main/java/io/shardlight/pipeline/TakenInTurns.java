package io.shardlight.pipeline;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * {@link WholeJob}'s comparison on a machine whose speed drifts by more than what is compared: the
 * loop and the job each in a process of its own, of which at any time one runs and the other is
 * stopped (SIGSTOP), in slices of a few seconds. A drift slower than a slice befalls both alike.
 * Prints one JSON object: seconds that each ran from the word to begin until its figures came, and
 * their ratio.
 */
public final class TakenInTurns {
  private static final String USAGE =
      "usage: TakenInTurns PROMPTS SLICE_SECONDS FOLDER [--option=value of generate ...]";

  private TakenInTurns() {}

  /** FOLDER must not exist; it is removed at the end. Linux only. */
  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println(USAGE);
      System.exit(2);
    }
    Path folder = Files.createDirectory(Path.of(args[2]));
    try {
      System.out.println(
          run(
                  Integer.parseInt(args[0]),
                  Double.parseDouble(args[1]),
                  folder,
                  Arrays.copyOfRange(args, 3, args.length))
              .toPrettyString());
    } finally {
      Folders.delete(folder);
    }
  }

  static ObjectNode run(int prompts, double sliceSeconds, Path folder, String... options)
      throws Exception {
    long slice = Math.round(sliceSeconds * 1e9);
    try (Part loop = new Part("loop", prompts, folder, options);
        Part job = new Part("job", prompts, folder, options)) {
      for (Part part : List.of(loop, job)) {
        part.awaitReady();
        part.stop();
      }
      loop.begin();
      job.begin();
      while (!loop.hasEnded() || !job.hasEnded()) {
        loop.run(slice);
        job.run(slice);
      }
      ObjectNode report = new ObjectMapper().createObjectNode();
      report.put("prompts", prompts).put("sliceSeconds", sliceSeconds);
      report.put("loopSeconds", loop.seconds()).put("jobSeconds", job.seconds());
      report.put("wallRatio", job.seconds() / loop.seconds());
      report.set("loop", loop.figures());
      report.set("job", job.figures());
      return report;
    }
  }

  /** One process, stopped but for its slices. */
  private static final class Part implements AutoCloseable {
    private final Process process;
    private final BufferedReader output;
    private CompletableFuture<String> figures = new CompletableFuture<>();
    private long ranNanos;

    Part(String part, int prompts, Path folder, String... options) throws IOException {
      List<String> command = new ArrayList<>();
      command.add(ProcessHandle.current().info().command().orElseThrow());
      command.addAll(List.of("-XX:+UseSerialGC", "-Xmx1g", "-cp"));
      command.add(System.getProperty("java.class.path"));
      command.addAll(List.of(WholeJob.class.getName(), Integer.toString(prompts), part));
      command.add(folder.resolve(part).toString());
      command.addAll(List.of(options));
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      output = process.inputReader(StandardCharsets.UTF_8);
    }

    void awaitReady() throws IOException {
      String line = output.readLine();
      while (!WholeJob.READY.equals(line)) {
        if (line == null) {
          throw new IOException("the process ended before it was ready");
        }
        line = output.readLine();
      }
    }

    /** Takes effect in the first slice. */
    void begin() throws IOException {
      OutputStream input = process.getOutputStream();
      input.write('\n');
      input.flush();
      figures =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  String line = output.readLine();
                  if (line == null) {
                    throw new IllegalStateException("the process ended without figures");
                  }
                  return line;
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
    }

    /** Lets the process run for so long, or until it has ended. */
    void run(long nanos) throws IOException, InterruptedException, ExecutionException {
      if (hasEnded()) {
        return;
      }
      long start = System.nanoTime();
      signal("-CONT");
      try {
        figures.get(nanos, TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        stop();
      }
      ranNanos += System.nanoTime() - start;
    }

    boolean hasEnded() {
      return figures.isDone();
    }

    double seconds() {
      return ranNanos / 1e9;
    }

    JsonNode figures() throws IOException {
      return new ObjectMapper().readTree(figures.join());
    }

    void stop() throws IOException, InterruptedException {
      signal("-STOP");
    }

    private void signal(String name) throws IOException, InterruptedException {
      int status =
          new ProcessBuilder("kill", name, Long.toString(process.pid()))
              .inheritIO()
              .start()
              .waitFor();
      // One that has just ended needs no signal any more.
      if (status != 0 && process.isAlive()) {
        throw new IOException("kill " + name + " of process " + process.pid() + " failed");
      }
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }
}
