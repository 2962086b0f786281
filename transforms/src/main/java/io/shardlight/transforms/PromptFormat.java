package io.shardlight.transforms;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A kind of prompt file. Implementations hold no state and never a whole file in memory. */
interface PromptFormat {
  /** All there are; a new format is added here. */
  List<PromptFormat> ALL = List.of(new PlainTextFormat(), new JsonLinesFormat());

  /** Ends of names that are read as if they weren't there, because Beam decompresses. */
  List<String> COMPRESSIONS = List.of(".gz");

  /** Takes what a file holds, in order. */
  interface Records {
    /**
     * @param line where the record begins, from 1
     * @param columns by name; a text format may give numbers as text
     */
    void record(long line, Map<String, JsonNode> columns);

    void reject(long line, String reason);
  }

  /** End of the names of such files, dot included, in lower case. */
  String extension();

  /**
   * Reads a file to its end; the caller closes it.
   *
   * @throws IOException if bytes can't be had; what is merely wrong in them is rejected
   */
  void read(InputStream in, Records records) throws IOException;

  /**
   * The format of a file, by its name.
   *
   * @throws IllegalArgumentException if no format has that extension
   */
  static PromptFormat of(String fileName) {
    String name = fileName.toLowerCase(Locale.ROOT);
    for (String compression : COMPRESSIONS) {
      if (name.endsWith(compression)) {
        name = name.substring(0, name.length() - compression.length());
      }
    }
    for (PromptFormat format : ALL) {
      if (name.endsWith(format.extension())) {
        return format;
      }
    }
    throw new IllegalArgumentException(
        "input must end in one of "
            + ALL.stream().map(PromptFormat::extension).toList()
            + ", with or without "
            + COMPRESSIONS
            + ", but found "
            + fileName);
  }
}
