package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.time.DateTimeException;
import java.util.Map;
import java.util.function.Supplier;

/** A kind of prompt file. Implementations hold no state and never a whole file in memory. */
interface PromptFormat {
  /** Takes what a file holds, in order. */
  interface Records {
    /**
     * @param line where the record begins, from 1; in a binary format its number, from 1
     * @param columns by name; a text format may give numbers as text
     */
    void record(long line, Map<String, JsonNode> columns);

    void reject(long line, String reason);

    /**
     * Takes a record of a binary format, or rejects it if a column holds what it can't.
     *
     * @param columns makes JSON of the record's values
     */
    default void convert(long number, Supplier<Map<String, JsonNode>> columns) {
      Map<String, JsonNode> converted;
      try {
        converted = columns.get();
      } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
        reject(number, "a column can't be read: " + e.getMessage());
        return;
      }
      record(number, converted);
    }
  }

  /** End of the names of such files, dot included, in lower case. */
  String extension();

  /** Whether such files may be compressed as a whole; binary formats compress what is in them. */
  default boolean isText() {
    return true;
  }

  /**
   * Reads a file to its end; the caller closes it.
   *
   * @param channel the file's content, decompressed
   * @throws IOException if bytes can't be had, or make no sense from some place on; what is merely
   *     wrong in a record is rejected
   */
  void read(ReadableByteChannel channel, Records records) throws IOException;
}
