package io.shardlight.prompts;

import java.util.List;
import java.util.Locale;

/** The kinds of prompt files there are, by the ends of their names. */
final class PromptFormats {
  /** All there are; a new format is added here. */
  private static final List<PromptFormat> ALL =
      List.of(
          new PlainTextFormat(),
          new JsonLinesFormat(),
          new DelimitedFormat(".csv", ','),
          new DelimitedFormat(".tsv", '\t'),
          new AvroFormat(),
          new ParquetFormat());

  /** Ends of names that are read as if they weren't there, because Beam decompresses. */
  private static final List<String> COMPRESSIONS = List.of(".gz", ".zst");

  private PromptFormats() {}

  /**
   * The format of a file, by its name.
   *
   * @throws IllegalArgumentException if no format has that extension
   */
  static PromptFormat of(String fileName) {
    String whole = fileName.toLowerCase(Locale.ROOT);
    String name = whole;
    for (String compression : COMPRESSIONS) {
      if (whole.endsWith(compression)) {
        name = whole.substring(0, whole.length() - compression.length());
      }
    }
    for (PromptFormat format : ALL) {
      if (name.endsWith(format.extension()) && (format.isText() || name.equals(whole))) {
        return format;
      }
    }
    throw new IllegalArgumentException(
        "input must end in one of " + extensions() + ", but found " + fileName);
  }

  private static String extensions() {
    List<String> text =
        ALL.stream().filter(PromptFormat::isText).map(PromptFormat::extension).toList();
    List<String> binary =
        ALL.stream().filter(format -> !format.isText()).map(PromptFormat::extension).toList();
    return text
        + ", with or without "
        + COMPRESSIONS
        + (binary.isEmpty() ? "" : ", or in one of " + binary);
  }
}
