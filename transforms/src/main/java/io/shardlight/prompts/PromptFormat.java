package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.Map;

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
