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
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/** Looks at what {@code input} and {@code output} name, before anything starts. */
final class FileChecks {
  /** Folders that a run may make before its plan. */
  private static final Set<String> BEFORE_PLAN = Set.of("_shards", "rejected", "runs");

  /** Files that are looked through for one that was meant. */
  private static final int NEIGHBOURS = 10_000;

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
      } else if (!BucketChecks.GLOB.matcher(pattern).find() && !Files.exists(Path.of(pattern))) {
        problems.add(option + noFile(Path.of(pattern)));
      } else {
        List<String> found = ReadPrompts.problems(List.of(pattern));
        found.forEach(problem -> problems.add(option + problem));
        if (found.isEmpty() && Files.exists(Path.of(pattern))) {
          readable(Path.of(pattern)).ifPresent(problem -> problems.add(option + problem));
        }
      }
    }
    return problems;
  }

  /** Of a file that is not there, with one that may have been meant. */
  static String noFile(Path file) {
    return "no such file; "
        + near(file)
            .map(near -> "did you mean " + near + "?")
            .orElse("give the path of one that is there");
  }

  /** The file in the same folder whose name is nearest. */
  private static Optional<Path> near(Path file) {
    Path folder = Objects.requireNonNullElse(file.getParent(), Path.of(""));
    try (Stream<Path> files = Files.list(folder)) {
      List<String> names =
          files
              .filter(Files::isRegularFile)
              .limit(NEIGHBOURS)
              .map(path -> String.valueOf(path.getFileName()))
              .sorted()
              .toList();
      return DidYouMean.nearest(String.valueOf(file.getFileName()), names).map(folder::resolve);
    } catch (IOException e) {
      return Optional.empty(); // There is no such folder either.
    }
  }

  /** What is wrong with {@code --wildcards}: it must be a directory that can be listed. */
  static Optional<String> wildcards(String value, BucketChecks buckets) {
    if (Buckets.isIn(value)) {
      return buckets.wildcards(value);
    }
    return local(
        "wildcards",
        value,
        directory -> {
          if (!Files.isDirectory(directory)) {
            return Optional.of("no such directory; give the one with the wildcard files");
          }
          return readable(directory);
        });
  }

  /** What is wrong with {@code --output}: it must be, or be possible to make, a directory. */
  static Optional<String> output(String value, BucketChecks buckets) {
    return target("output", value, buckets);
  }

  /** What is wrong with {@code --compileCache}: it must be a directory, or one that can be made. */
  static Optional<String> compileCache(String value, BucketChecks buckets) {
    return target("compileCache", value, buckets);
  }

  private static Optional<String> target(String option, String value, BucketChecks buckets) {
    return Buckets.isIn(value)
        ? buckets.target(option, value)
        : local(option, value, FileChecks::outputDirectory);
  }

  private static Optional<String> outputDirectory(Path value) {
    Path directory = value.toAbsolutePath().normalize();
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      return Optional.of("a file; give a directory, or one that can be made");
    }
    Path existing = directory;
    while (!Files.exists(existing)) {
      Path parent = existing.getParent();
      if (parent == null) {
        return Optional.of("nothing above it exists; give a directory");
      }
      existing = parent;
    }
    if (!Files.isDirectory(existing)) {
      return Optional.of(existing + " is a file; give a path through directories");
    }
    return Files.isWritable(existing)
        ? Optional.empty()
        : Optional.of(
            existing + " cannot be written by you; change its permissions or go elsewhere");
  }

  /** What is wrong with {@code --dataset}: it must be a directory that a job has begun to fill. */
  static Optional<String> datasetToDraw(String value, BucketChecks buckets) {
    return dataset(
        value,
        buckets,
        List.of(DatasetPaths.PLAN),
        directory ->
            Files.isWritable(directory)
                ? Optional.empty()
                : Optional.of("cannot be written by you; change its permissions or copy it"));
  }

  /** What is wrong with {@code --dataset}: there must be something left of a dataset. */
  static Optional<String> datasetToRead(String value, BucketChecks buckets) {
    return dataset(
        value,
        buckets,
        List.of(DatasetPaths.PLAN, DatasetPaths.DATASET_JSON, DatasetPaths.SUCCESS),
        FileChecks::readable);
  }

  /**
   * @param signs objects of which a dataset has one
   */
  private static Optional<String> dataset(
      String value,
      BucketChecks buckets,
      List<String> signs,
      Function<Path, Optional<String>> permissions) {
    if (Buckets.isIn(value)) {
      return buckets.dataset(value, signs);
    }
    return local(
        "dataset",
        value,
        directory -> {
          if (!Files.exists(directory)) {
            return Optional.of("no such directory; give the --output of a generate");
          }
          if (!Files.isDirectory(directory)) {
            return Optional.of("a file; give the directory of a dataset");
          }
          if (signs.stream().noneMatch(name -> Files.exists(directory.resolve(name)))) {
            return Optional.of(noDataset(signs));
          }
          return permissions.apply(directory);
        });
  }

  /** Of a place that could hold a dataset, and has none of these signs of one. */
  static String noDataset(List<String> signs) {
    return "not a dataset, as it has "
        + (signs.size() == 1 ? "no " : "none of ")
        + String.join(", ", signs)
        + "; give the --output of a generate";
  }

  /** What is wrong with a place that must be local, behind option and value. */
  private static Optional<String> local(
      String option, String value, Function<Path, Optional<String>> check) {
    Optional<String> problem;
    if (isElsewhere(value)) {
      problem = Optional.of("must be a local directory or gs://bucket/folder; give one");
    } else {
      try {
        problem = check.apply(Path.of(value));
      } catch (InvalidPathException e) {
        problem = Optional.of("not a path (" + e.getReason() + "); give a directory");
      }
    }
    return problem.map(text -> "--" + option + "=" + value + ": " + text);
  }

  private static Optional<String> readable(Path path) {
    return Files.isReadable(path)
        ? Optional.empty()
        : Optional.of("cannot be read by you; change its permissions");
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

  /** Any URI; a drive of Windows has one letter. */
  private static boolean isElsewhere(String path) {
    return path.matches("(?s)[a-z][a-z0-9+.-]+:/.*");
  }
}
