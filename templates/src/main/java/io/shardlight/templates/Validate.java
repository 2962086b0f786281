package io.shardlight.templates;

import io.shardlight.pipeline.Shardlight;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.beam.sdk.util.ReleaseInfo;

/**
 * Checks an image on the machine that it runs on: the plugin it names, the devices its engines
 * find, and a small job of its own model, whose dataset is read again. What fails is told on
 * standard error, a line a problem; the exit status is then not 0. Nothing is fetched.
 */
public final class Validate {
  /** What kind of device an image is for; set by its Dockerfile. */
  static final String KIND_VARIABLE = "SHARDLIGHT_DEVICE_KIND";

  private static final String KIND = "--deviceKind=";
  private static final List<String> KINDS = List.of("any", "cpu", "gpu", "tpu");

  /** What both engines are told of a plugin by; the first has pairs of names and paths. */
  private static final String PLUGINS_VARIABLE = "PJRT_NAMES_AND_LIBRARY_PATHS";

  private static final String TPU_VARIABLE = "TPU_LIBRARY_PATH";
  private static final Path MAPPED = Path.of("/proc/self/maps");
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  private final Map<String, String> environment;
  private final PrintStream out;
  private final List<String> problems = new ArrayList<>();

  private Validate(Map<String, String> environment, PrintStream out) {
    this.environment = environment;
    this.out = out;
  }

  /** Takes nothing, or {@code --deviceKind=cpu|gpu|tpu} if not the image's own is wanted. */
  public static void main(String[] words) throws IOException {
    System.exit(
        run(
            List.of(words),
            System.getenv(),
            new PrintStream(System.out, true, StandardCharsets.UTF_8),
            new PrintStream(System.err, true, StandardCharsets.UTF_8)));
  }

  /**
   * @return 0 if all is well, 1 if something is wrong here, 2 if the words are
   */
  static int run(
      List<String> words, Map<String, String> environment, PrintStream out, PrintStream err)
      throws IOException {
    String kind = environment.getOrDefault(KIND_VARIABLE, "any");
    if (words.size() == 1 && words.get(0).startsWith(KIND)) {
      kind = words.get(0).substring(KIND.length());
    } else if (!words.isEmpty()) {
      err.println(
          "takes nothing or " + KIND + "cpu, gpu or tpu, but got " + String.join(" ", words));
      return 2;
    }
    if (!KINDS.contains(kind)) {
      err.println(KIND + kind + ": unknown value; use one of " + String.join(", ", KINDS));
      return 2;
    }
    Validate check = new Validate(environment, out);
    check.versions(kind);
    check.plugin();
    check.devices();
    check.job(kind);
    check.problems.forEach(err::println);
    out.println(check.problems.isEmpty() ? "This image works here." : "This image does not work.");
    return check.problems.isEmpty() ? 0 : 1;
  }

  private void versions(String kind) throws IOException {
    command("version", List.of("--version"));
    out.println("Apache Beam " + ReleaseInfo.getReleaseInfo().getVersion());
    out.println(
        "Java %s, %s, heap of at most %.1f GiB"
            .formatted(
                Runtime.version(),
                System.getProperty("java.vm.vendor"),
                Runtime.getRuntime().maxMemory() / 0x1p30));
    out.println(
        "%s %s, user %s, shared memory %s"
            .formatted(
                System.getProperty("os.name"),
                System.getProperty("os.version"),
                System.getProperty("user.name"),
                Files.isDirectory(SHARED_MEMORY)
                    ? String.format(
                        Locale.ROOT,
                        "%d MiB",
                        Files.getFileStore(SHARED_MEMORY).getTotalSpace() >> 20)
                    : "none"));
    out.println("Wanted: " + (kind.equals("any") ? "any device" : "devices of kind " + kind));
  }

  /** The library of the devices must be there, and the JVM's signals safe from it. */
  private void plugin() throws IOException {
    for (Path file : plugins()) {
      if (!Files.isReadable(file)) {
        problems.add(
            "plugin %s: named by the environment, but %s; build the image anew, or name another"
                .formatted(
                    file,
                    Files.exists(file) ? "this user cannot read it" : "there is no such file"));
        continue;
      }
      out.println("Plugin %s, %d MiB".formatted(file, Files.size(file) >> 20));
      if (Files.isReadable(MAPPED)
          && !Files.readString(MAPPED, StandardCharsets.ISO_8859_1).contains("libjsig")) {
        problems.add(
            "LD_PRELOAD=%s: libjsig.so is not loaded, without which a plugin may take the JVM's"
                    .formatted(environment.getOrDefault("LD_PRELOAD", ""))
                + " signals; name lib/libjsig.so of the image's Java");
      }
    }
  }

  private List<Path> plugins() {
    List<Path> files = new ArrayList<>();
    Arrays.stream(environment.getOrDefault(PLUGINS_VARIABLE, "").split(",", -1))
        .filter(pair -> pair.contains(":"))
        .map(pair -> Path.of(pair.substring(pair.indexOf(':') + 1)))
        .forEach(files::add);
    Optional.ofNullable(environment.get(TPU_VARIABLE)).map(Path::of).ifPresent(files::add);
    return files.stream().distinct().toList();
  }

  private void devices() {
    command("devices", List.of("devices"));
  }

  /** A picture of the model that comes along, by the same command as any other. */
  private void job(String kind) throws IOException {
    Path scratch = Files.createTempDirectory("shardlight-validate-");
    try {
      Path prompts =
          Files.writeString(scratch.resolve("prompts.txt"), "a lighthouse at dawn\na red fox\n");
      Path dataset = scratch.resolve("dataset");
      boolean made =
          command(
              "generate",
              List.of(
                  "generate",
                  "--input=" + prompts,
                  "--output=" + dataset,
                  "--steps=2",
                  KIND + kind));
      if (made) {
        command("verify", List.of("verify", "--dataset=" + dataset));
      }
    } finally {
      delete(scratch);
    }
  }

  private boolean command(String name, List<String> words) {
    out.println();
    int status = Shardlight.run(words);
    if (status != 0) {
      problems.add(
          name + ": ended with status " + status + "; what it wrote above says what is wrong");
    }
    return status == 0;
  }

  private static void delete(Path folder) throws IOException {
    List<Path> all;
    try (Stream<Path> paths = Files.walk(folder)) {
      all = paths.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }
}
