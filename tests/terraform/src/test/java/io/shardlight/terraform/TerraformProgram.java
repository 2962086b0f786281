package io.shardlight.terraform;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** The terraform of this machine. It is told to ask no registry and no update service. */
final class TerraformProgram {
  /** Far above what a command takes, which is seconds. */
  private static final long LIMIT_MINUTES = 10;

  private final Path program;
  private final Map<String, String> environment = new LinkedHashMap<>();

  private TerraformProgram(Path program) {
    this.program = program;
    environment.put("CHECKPOINT_DISABLE", "1");
    environment.put("TF_IN_AUTOMATION", "1");
    environment.put("TF_INPUT", "0");
    environment.put("TF_CLI_CONFIG_FILE", "/dev/null");
  }

  /** What a command came to; output and errors together. */
  record Result(int status, String output) {}

  /** Reports the test as skipped where there is none: it is in no registry that builds reach. */
  static TerraformProgram installed() {
    Optional<Path> found =
        Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
            .map(folder -> Path.of(folder, "terraform"))
            .filter(Files::isExecutable)
            .findFirst();
    Assumptions.assumeTrue(found.isPresent(), "terraform is not on the PATH");
    return new TerraformProgram(found.orElseThrow());
  }

  TerraformProgram with(String name, String value) {
    environment.put(name, value);
    return this;
  }

  Result run(Path folder, String... arguments) throws IOException, InterruptedException {
    return pipe("", folder, arguments);
  }

  /** With {@code input} as its standard input. */
  Result pipe(String input, Path folder, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    Path output = Files.createTempFile("terraform", ".txt");
    Path in = Files.writeString(Files.createTempFile("terraform", ".in"), input);
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectInput(in.toFile())
              .redirectOutput(output.toFile());
      builder.environment().keySet().removeIf(name -> name.startsWith("TF_"));
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new IOException(String.join(" ", command) + " does not end");
      }
      return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    } finally {
      Files.delete(output);
      Files.delete(in);
    }
  }

  /** Copies {@code terraform/}, to be initialised and applied there with its state beside it. */
  static Path copy(Path to) throws IOException {
    try (Stream<Path> files = Files.walk(TerraformModule.ROOT)) {
      files
          .filter(Files::isRegularFile)
          .filter(file -> file.toString().endsWith(".tf"))
          .forEach(
              file -> {
                try {
                  Path copy = to.resolve(TerraformModule.ROOT.relativize(file).toString());
                  Files.createDirectories(copy.getParent());
                  Files.copy(file, copy);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    }
    Files.writeString(
        to.resolve("local_override.tf"), "terraform {\n  backend \"local\" {\n  }\n}\n");
    return to;
  }
}
