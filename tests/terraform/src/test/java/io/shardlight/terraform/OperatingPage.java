package io.shardlight.terraform;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A page in Markdown, taken apart: blocks of commands, words in code, rows of tables, links. */
record OperatingPage(Path file, String text) {
  private static final Pattern BLOCK = Pattern.compile("(?s)```sh\n(.*?)```");
  private static final Pattern CODE = Pattern.compile("`([^`\n]+)`");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");

  static OperatingPage read(Path file) throws IOException {
    return new OperatingPage(file, Files.readString(file));
  }

  /**
   * Lines to type, those that go on joined, without comments; then what of them stands in prose.
   */
  List<String> commands() {
    List<String> commands = new ArrayList<>();
    for (String block : all(BLOCK, text)) {
      block
          .replace("\\\n", " ")
          .lines()
          .map(line -> line.replaceFirst("(^|\\s{2,})#.*$", "").strip())
          .filter(line -> !line.isEmpty())
          .forEach(commands::add);
    }
    code().stream().filter(code -> code.contains(" --")).forEach(commands::add);
    return commands;
  }

  /** What stands between backquotes, blocks left out. */
  List<String> code() {
    return all(CODE, BLOCK.matcher(text).replaceAll(""));
  }

  /** Of the tables' first columns, what stands between backquotes. */
  List<String> signs() {
    return text.lines()
        .filter(line -> line.startsWith("| "))
        .map(line -> line.split("\\|", -1)[1])
        .flatMap(cell -> all(CODE, cell).stream())
        .toList();
  }

  long rows() {
    return text.lines()
        .filter(line -> line.startsWith("| ") && !line.startsWith("| sign "))
        .count();
  }

  Set<String> links() {
    return new TreeSet<>(all(LINK, text));
  }

  /** The headings, as links name them behind a hash. */
  Set<String> anchors() {
    Set<String> anchors = new TreeSet<>();
    for (String heading : all(HEADING, BLOCK.matcher(text).replaceAll(""))) {
      anchors.add(
          heading.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9 _-]", "").replace(' ', '-'));
    }
    return anchors;
  }

  /** What a pattern's first group finds in all of the page. */
  Set<String> find(String pattern) {
    return new TreeSet<>(all(Pattern.compile(pattern), text));
  }

  private static List<String> all(Pattern pattern, String text) {
    try (Stream<MatchResult> results = pattern.matcher(text).results()) {
      return results.map(result -> result.group(1)).toList();
    }
  }
}
