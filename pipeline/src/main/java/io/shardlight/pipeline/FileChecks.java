package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.transforms.ReadPrompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Looks at what {@code input} and {@code output} name, before anything starts. */
final class FileChecks {
  /** Folders that a run may make before its plan. */
  private static final Set<String> BEFORE_PLAN = Set.of("_shards", "rejected", "runs");

  private static final String ELSEWHERE =
      "must be a local directory or gs://bucket/folder; give one";

  /** Of a place that could hold a dataset. */
  static final String NO_DATASET =
      "not a dataset, as it has no " + DatasetPaths.PLAN + "; give the --output of a generate";

  private FileChecks() {}

  /** The paths and globs of {@code --input}; commas within braces are part of a glob. */
  static List<String> patterns(String value) {
    return Arrays.stream(value.split(",(?![^{}]*})", -1)).map(String::strip).toList();
  }

  /** Problems of {@code --input}, a line each: every pattern must match, every file be readable. */
  static List<String> input(String value, BucketChecks buckets) {
    List<String> problems = new ArrayList<>();
    for (String pattern : patterns(value)) {
      String option = "--input=" + pattern + ": ";
      if (pattern.isEmpty()) {
        problems.add(
            "--input=" + value + ": nothing between two commas; give paths or globs between them");
      } else if (Buckets.isIn(pattern)) {
        problems.addAll(buckets.input(pattern));
      } else if (isElsewhere(pattern)) {
        problems.add(option + "local files and those at gs:// can be read; copy it here");
      } else if (Files.isDirectory(Path.of(pattern))) {
        problems.add(
            option + "a directory; give its files, for example --input='" + pattern + "/*.txt'");
      } else {
        List<String> found = ReadPrompts.problems(List.of(pattern));
        found.forEach(problem -> problems.add(option + problem));
        if (found.isEmpty() && Files.exists(Path.of(pattern))) {
          if (!Files.isReadable(Path.of(pattern))) {
            problems.add(option + "cannot be read by you; change its permissions");
          }
        }
      }
    }
    return problems;
  }

  /** What is wrong with {@code --wildcards}: it must be a directory that can be listed. */
  static Optional<String> wildcards(String value, BucketChecks buckets) {
    String option = "--wildcards=" + value + ": ";
    if (Buckets.isIn(value)) {
      return buckets.wildcards(value);
    }
    if (isElsewhere(value)) {
      return Optional.of(option + ELSEWHERE);
    }
    Path directory;
    try {
      directory = Path.of(value);
    } catch (InvalidPathException e) {
      return Optional.of(option + "not a path (" + e.getReason() + "); give a directory");
    }
    if (!Files.isDirectory(directory)) {
      return Optional.of(option + "no such directory; give the one with the wildcard files");
    }
    return Files.isReadable(directory)
        ? Optional.empty()
        : Optional.of(option + "cannot be read by you; change its permissions");
  }

  /** What is wrong with {@code --output}: it must be, or be possible to make, a directory. */
  static Optional<String> output(String value, BucketChecks buckets) {
    String option = "--output=" + value + ": ";
    if (Buckets.isIn(value)) {
      return buckets.output(value);
    }
    if (isElsewhere(value)) {
      return Optional.of(option + ELSEWHERE);
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

  /** What is wrong with {@code --dataset}: it must be a directory that a job has begun to fill. */
  static Optional<String> dataset(String value, BucketChecks buckets) {
    String option = "--dataset=" + value + ": ";
    if (Buckets.isIn(value)) {
      return buckets.dataset(value);
    }
    if (isElsewhere(value)) {
      return Optional.of(option + ELSEWHERE);
    }
    Path directory;
    try {
      directory = Path.of(value);
    } catch (InvalidPathException e) {
      return Optional.of(option + "not a path (" + e.getReason() + "); give a dataset's directory");
    }
    if (!Files.exists(directory)) {
      return Optional.of(option + "no such directory; give the --output of a generate");
    }
    if (!Files.isDirectory(directory)) {
      return Optional.of(option + "a file; give the directory of a dataset");
    }
    if (!Files.exists(directory.resolve(DatasetPaths.PLAN))) {
      return Optional.of(option + NO_DATASET);
    }
    if (!Files.isWritable(directory)) {
      return Optional.of(option + "cannot be written by you; change its permissions or copy it");
    }
    return Optional.empty();
  }

  /**
   * The root of a dataset as the transforms know it.
   *
   * @param value a local directory or a place in a bucket, with nothing wrong with it
   */
  static String root(String value) {
    return Buckets.isIn(value)
        ? Buckets.canonical(value)
        : Path.of(value).toAbsolutePath().normalize().toString();
  }

  /**
   * What is wrong with an output that holds something and no dataset. Hidden files may be there,
   * and what a run leaves that stopped before it had a plan.
   */
  static Optional<String> foreign(ObjectStore output) {
    try {
      if (output.exists(DatasetPaths.PLAN)) {
        return Optional.empty();
      }
      return output
          .findEntry(name -> !name.startsWith(".") && !BEFORE_PLAN.contains(name))
          .map(
              name ->
                  "must be new, empty or hold a dataset, but has "
                      + name
                      + " and no "
                      + DatasetPaths.PLAN
                      + "; choose another directory");
    } catch (IOException e) {
      return Optional.of("cannot be listed (" + Causes.line(e) + "); change its permissions");
    }
  }

  private static boolean isElsewhere(String path) {
    return path.matches("(?s)[a-z][a-z0-9+.-]+://.*");
  }
}
