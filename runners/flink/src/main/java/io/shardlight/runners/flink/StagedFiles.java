package io.shardlight.runners.flink;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.util.construction.resources.PipelineResources;

/**
 * Chooses what of this process's class path is sent to a cluster with a job: all but what every
 * Flink has anyway, which must not be there twice, and what only this process uses.
 */
final class StagedFiles {
  /** Parts of Flink's own {@code flink-dist}, its logging, and the runner for laptops. */
  private static final Pattern LEFT_OUT =
      Pattern.compile(
          "(flink-(annotations|clients|core|java|metrics-core|optimizer|rpc-.*|runtime|shaded-.*"
              + "|streaming-java)"
              + "|slf4j-(api|jdk14)"
              + "|async-profiler"
              + "|beam-runners-direct-java)-[0-9].*\\.jar");

  private StagedFiles() {}

  /** The files and directories, in the order of the class path. */
  static List<String> of(PipelineOptions options) {
    return PipelineResources.detectClassPathResourcesToStage(
            StagedFiles.class.getClassLoader(), options)
        .stream()
        .filter(file -> !isLeftOut(Path.of(file)))
        .toList();
  }

  static boolean isLeftOut(Path file) {
    return Optional.ofNullable(file.getFileName())
        .map(name -> LEFT_OUT.matcher(name.toString()).matches())
        .orElse(false);
  }
}
