package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import io.shardlight.transforms.ReadPrompts;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.beam.sdk.io.FileSystems;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.options.PipelineOptionsFactory;

/**
 * Looks at what options name in buckets, before anything starts. Beam's options are read when the
 * first bucket is named; the work on local files does without them.
 */
final class BucketChecks {
  /** What a path has that may match several files. */
  static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  private interface Check {
    Optional<String> problem(PipelineOptions options) throws IOException;
  }

  private final List<String> arguments;
  private Optional<PipelineOptions> options = Optional.empty();

  /**
   * @param line has Beam's options, which say who asks for the buckets
   */
  BucketChecks(CommandLine line) {
    this.arguments = line.passedOnArguments();
  }

  /**
   * Beam's options of the command line; its {@code gs://} files follow them from now on.
   *
   * @throws IllegalArgumentException if one is wrong
   */
  PipelineOptions options() {
    if (options.isEmpty()) {
      PipelineOptions read =
          PipelineOptionsFactory.fromArgs(arguments.toArray(new String[0])).create();
      FileSystems.setDefaultPipelineOptions(read);
      options = Optional.of(read);
    }
    return options.get();
  }

  /** What is wrong with a pattern of {@code --input}, a line each. */
  List<String> input(String pattern) {
    String option = "--input=" + pattern + ": ";
    Optional<String> unreachable =
        problem(option, asked -> Buckets.problem(constantFolder(pattern), asked));
    if (unreachable.isPresent()) {
      return unreachable.stream().toList();
    }
    List<String> found = ReadPrompts.problems(List.of(pattern));
    if (!found.isEmpty() && isFolder(pattern)) {
      String files = pattern.replaceFirst("/+$", "") + "/*.txt";
      return List.of(option + "a directory; give its files, for example --input='" + files + "'");
    }
    return found.stream().map(problem -> option + problem).toList();
  }

  /** The folder of all that a pattern may match. */
  private static String constantFolder(String pattern) {
    Matcher glob = GLOB.matcher(pattern);
    String constant = glob.find() ? pattern.substring(0, glob.start()) : pattern;
    int slash = constant.lastIndexOf('/');
    return slash < "gs://".length() ? constant : constant.substring(0, slash);
  }

  private boolean isFolder(String pattern) {
    if (GLOB.matcher(pattern).find()) {
      return false;
    }
    try {
      return ObjectStore.open(pattern, options()).findEntry(name -> true).isPresent();
    } catch (IOException | IllegalArgumentException e) {
      return false; // What was found before is the better line.
    }
  }

  /** What is wrong with {@code --wildcards}: there must be files to read. */
  Optional<String> wildcards(String value) {
    return problem(
        "--wildcards=" + value + ": ",
        asked -> {
          Optional<String> unreachable = Buckets.problem(value, asked);
          if (unreachable.isPresent()) {
            return unreachable;
          }
          return ObjectStore.open(value, asked).list("").stream().anyMatch(n -> n.endsWith(".txt"))
              ? Optional.empty()
              : Optional.of("no .txt file in it; give the one with the wildcard files");
        });
  }

  /** What is wrong with an option that names a folder to fill: its bucket must be there. */
  Optional<String> target(String option, String value) {
    return problem("--" + option + "=" + value + ": ", asked -> Buckets.problem(value, asked));
  }

  /**
   * What is wrong with {@code --dataset}.
   *
   * @param signs objects of which a dataset has one
   */
  Optional<String> dataset(String value, List<String> signs) {
    return problem(
        "--dataset=" + value + ": ",
        asked -> {
          Optional<String> unreachable = Buckets.problem(value, asked);
          if (unreachable.isPresent()) {
            return unreachable;
          }
          ObjectStore store = ObjectStore.open(value, asked);
          for (String sign : signs) {
            if (store.exists(sign)) {
              return Optional.empty();
            }
          }
          return Optional.of(FileChecks.noDataset(signs));
        });
  }

  /** A problem of Beam's options is the same for all that would be asked for with them. */
  private Optional<String> problem(String option, Check check) {
    PipelineOptions asked;
    try {
      asked = options();
    } catch (IllegalArgumentException e) {
      return Optional.of(Causes.line(e));
    }
    try {
      return check.problem(asked).map(problem -> option + problem);
    } catch (IOException | RuntimeException e) {
      // Whatever credentials or the network throw is one problem among the others.
      return Optional.of(option + Causes.line(e));
    }
  }
}
