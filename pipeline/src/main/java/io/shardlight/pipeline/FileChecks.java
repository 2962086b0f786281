package io.shardlight.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.io.fs.MatchResult;

/** Looks at what {@code input} and {@code output} name, before anything starts. */
final class FileChecks {
  private static final List<String> READ = List.of(".txt", ".jsonl");
  private static final List<String> NOT_YET =
      List.of(".csv", ".tsv", ".parquet", ".avro", ".gz", ".zst");

  private FileChecks() {}

  /** Problems of {@code --input}, a line each: every pattern must match, every file be readable. */
  static List<String> input(String value) {
    List<String> problems = new ArrayList<>();
    for (String part : value.split(",", -1)) {
      String pattern = part.strip();
      String option = "--input=" + pattern + ": ";
      if (pattern.isEmpty()) {
        problems.add(
            "--input="
                + value
                + ": empty between two commas; give paths or globs, separated by"
                + " commas");
      } else if (isRemote(pattern)) {
        problems.add(option + "only local files can be read in this version; copy it here");
      } else if (Files.isDirectory(Path.of(pattern))) {
        problems.add(
            option + "a directory; give its files, for example --input='" + pattern + "/*.txt'");
      } else {
        matched(pattern).forEach(problem -> problems.add(option + problem));
      }
    }
    return problems;
  }

  private static List<String> matched(String pattern) {
    List<String> files;
    try {
      MatchResult match = FileSystems.match(pattern);
      if (match.status() != MatchResult.Status.OK || match.metadata().isEmpty()) {
        return List.of(
            "matches no file; check the path, relative to " + Path.of("").toAbsolutePath());
      }
      files = match.metadata().stream().map(m -> m.resourceId().toString()).sorted().toList();
    } catch (IOException | IllegalArgumentException e) {
      return List.of("cannot be looked up (" + Causes.explain(e) + ")");
    }

    List<String> problems = new ArrayList<>();
    Map<String, List<String>> wrong = new TreeMap<>();
    for (String file : files) {
      String extension = extension(file);
      if (!READ.contains(extension)) {
        wrong.computeIfAbsent(extension, e -> new ArrayList<>()).add(file);
      } else if (!Files.isReadable(Path.of(file))) {
        problems.add(file + " cannot be read; check its permissions");
      }
    }
    wrong.forEach(
        (extension, named) ->
            problems.add(
                named.get(0)
                    + (named.size() > 1 ? " and " + (named.size() - 1) + " more" : "")
                    + (extension.isEmpty() ? " has no extension" : " is a " + extension + " file")
                    + (NOT_YET.contains(extension) ? ", which this version cannot read" : "")
                    + "; give "
                    + String.join(" or ", READ)
                    + " files"));
    return problems;
  }

  private static String extension(String file) {
    String name = file.substring(file.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    int dot = name.lastIndexOf('.');
    return dot <= 0 ? "" : name.substring(dot);
  }

  /** What is wrong with {@code --output}: it must be, or be possible to make, a directory. */
  static Optional<String> output(String value) {
    String option = "--output=" + value + ": ";
    if (isRemote(value)) {
      return Optional.of(
          option + "only local directories can be written in this version; give one");
    }
    Path directory;
    try {
      directory = Path.of(value).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      return Optional.of(option + "not a path (" + e.getReason() + "); give a directory");
    }
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      return Optional.of(option + "a file; give a directory, or one that can be made");
    }
    Path existing = directory;
    while (!Files.exists(existing)) {
      Path parent = existing.getParent();
      if (parent == null) {
        return Optional.of(option + "nothing above it exists; give a directory");
      }
      existing = parent;
    }
    if (!Files.isDirectory(existing)) {
      return Optional.of(option + existing + " is a file; give a path through directories");
    }
    if (!Files.isWritable(existing)) {
      return Optional.of(
          option + existing + " cannot be written by you; change its permissions or go elsewhere");
    }
    return Optional.empty();
  }

  private static boolean isRemote(String path) {
    return path.matches("(?s)[a-z][a-z0-9+.-]+://.*");
  }
}
