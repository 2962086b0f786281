package io.shardlight.data;

/**
 * Where a record stands.
 *
 * @param file full name of the file as it was matched, a path or a URI
 * @param line line (text formats) or record, from 1
 */
public record PromptSource(String file, long line) implements Comparable<PromptSource> {
  /** The file's name without directory. Datasets carry this alone, so that they can be moved. */
  public String fileName() {
    int slash = Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\'));
    return file.substring(slash + 1);
  }

  @Override
  public int compareTo(PromptSource other) {
    int byFile = file.compareTo(other.file);
    return byFile != 0 ? byFile : Long.compare(line, other.line);
  }

  @Override
  public String toString() {
    return file + ":" + line;
  }
}
