package io.shardlight.pipeline;

import io.shardlight.data.Sha256;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Where files that can be made again are kept: {@code $XDG_CACHE_HOME/shardlight}, else {@code
 * ~/.cache/shardlight}.
 *
 * @see <a href="https://specifications.freedesktop.org/basedir-spec/latest/">XDG base
 *     directories</a>
 */
final class CacheDirectory {
  static final String VARIABLE = "XDG_CACHE_HOME";

  private static final String HUB_SNAPSHOT =
      ".*[/\\\\]models--[^/\\\\]+[/\\\\]snapshots[/\\\\][0-9a-f]{40}";

  private CacheDirectory() {}

  /**
   * The directory, whether or not it exists.
   *
   * @param environment environment variables; a relative {@code XDG_CACHE_HOME} is ignored, as the
   *     specification asks
   */
  static Path of(Map<String, String> environment) {
    return Optional.ofNullable(environment.get(VARIABLE))
        .map(Path::of)
        .filter(Path::isAbsolute)
        .orElseGet(() -> Path.of(System.getProperty("user.home", "."), ".cache"))
        .resolve("shardlight");
  }

  /**
   * Makes a directory, its parents included.
   *
   * @throws UncheckedIOException naming the variable that moves the cache, if it can't be made
   */
  static Path create(Path directory) {
    try {
      return Files.createDirectories(directory);
    } catch (IOException e) {
      throw unwritable(directory, e);
    }
  }

  static UncheckedIOException unwritable(Path directory, IOException cause) {
    return new UncheckedIOException(
        "cannot write the cache directory "
            + directory
            + " ("
            + cause.getClass().getSimpleName()
            + ": "
            + cause.getMessage()
            + "); set "
            + VARIABLE
            + " to a directory that can be written",
        cause);
  }

  /**
   * Where the transformed weights of a model are kept: {@code .shardlight} beside them, or in the
   * cache, under a name made of the model's path, if the model's folder is read-only or belongs to
   * the Hugging Face Hub's cache, in which nothing of ours should lie.
   */
  static Path forModel(Path modelDirectory, Map<String, String> environment) {
    Path beside = modelDirectory.resolve(".shardlight");
    String path = modelDirectory.toAbsolutePath().normalize().toString();
    boolean writable =
        Files.isDirectory(beside) ? Files.isWritable(beside) : Files.isWritable(modelDirectory);
    if (writable && !path.matches(HUB_SNAPSHOT)) {
      return beside;
    }
    String digest = Sha256.hex(path).substring(0, 16);
    return of(environment).resolve("weights-" + digest);
  }
}
