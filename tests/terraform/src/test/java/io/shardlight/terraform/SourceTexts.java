package io.shardlight.terraform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The sources of the program and of terraform, in which messages can be looked up. */
final class SourceTexts {
  private static final Path ROOT = TerraformModule.ROOT.resolve("..").normalize();

  /** Most that may stand between two parts of a message: what is inserted, and how. */
  private static final int BETWEEN = 250;

  private final List<String> files = new ArrayList<>();

  private SourceTexts() {}

  static SourceTexts read() throws IOException {
    SourceTexts texts = new SourceTexts();
    for (String module :
        List.of("pipeline", "transforms", "diffusion", "engines", "runners", "templates")) {
      texts.add(ROOT.resolve(module), "src/main/java", ".java");
    }
    texts.add(TerraformModule.ROOT, "", ".tf");
    return texts;
  }

  private void add(Path folder, String within, String ending) throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(f -> f.toString().endsWith(ending)).toList()) {
        if (file.toString().contains(within)) {
          files.add(joined(Files.readString(file)));
        }
      }
    }
  }

  /** On one line, texts that are added to each other made one. */
  private static String joined(String source) {
    return source.replaceAll("\\s+", " ").replace("\" + \"", "").replace("\\\"", "\"");
  }

  /**
   * Whether a source says this.
   *
   * @param message with {@code …} for what differs
   */
  boolean say(String message) {
    List<String> parts = Stream.of(message.split("…", -1)).filter(part -> !part.isBlank()).toList();
    return files.stream().anyMatch(file -> says(file, parts));
  }

  private static boolean says(String file, List<String> parts) {
    int start = file.indexOf(parts.get(0));
    while (start >= 0) {
      int at = start;
      boolean all = true;
      for (String part : parts) {
        int next = file.indexOf(part, at);
        all &= next >= 0 && next - at <= BETWEEN;
        at = next + part.length();
      }
      if (all) {
        return true;
      }
      start = file.indexOf(parts.get(0), start + 1);
    }
    return false;
  }
}
