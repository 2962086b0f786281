package io.shardlight.diffusion.weights;

import java.io.IOException;
import java.nio.file.Path;

/** A weight file is damaged, or not of the format its name says. */
public final class MalformedWeightsException extends IOException {
  private static final long serialVersionUID = 1L;

  private final String path;
  private final long offset;

  /**
   * @param offset bytes from the file's beginning to what is wrong
   * @param problem what was wanted and what was found
   * @param remedy what to do
   */
  MalformedWeightsException(Path path, long offset, String problem, String remedy) {
    super(path + ", byte " + offset + ": " + problem + "; " + remedy);
    this.path = path.toString();
    this.offset = offset;
  }

  public Path path() {
    return Path.of(path);
  }

  /** Bytes from the file's beginning to what is wrong. */
  public long offset() {
    return offset;
  }
}
