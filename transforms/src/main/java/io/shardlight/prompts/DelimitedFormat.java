package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import de.siegmar.fastcsv.reader.AbstractBaseCsvCallbackHandler;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code .csv} and {@code .tsv}: a header, then rows, as RFC 4180 writes them and data frames,
 * spreadsheets and Python's {@code csv} do. Fields in quotes may hold delimiters, line breaks and
 * doubled quotes. A field without quotes that is empty has no value. Columns without a name, as
 * data frames write their index, are not read. A row of more or fewer fields than the header, one
 * that is not UTF-8 or too long is rejected; a quote that never closes fails the file, since nobody
 * can say what is in it.
 */
final class DelimitedFormat implements PromptFormat {
  /** As of a line of text; a row may be written on many. */
  private static final int MAX_ROW_CHARS = Utf8Lines.MAX_BYTES;

  /** A field beyond this is a quote that somebody forgot to close. */
  private static final int MAX_FIELD_CHARS = 4 * MAX_ROW_CHARS;

  private final String extension;
  private final char delimiter;

  DelimitedFormat(String extension, char delimiter) {
    this.extension = extension;
    this.delimiter = delimiter;
  }

  @Override
  public String extension() {
    return extension;
  }

  @Override
  public void read(ReadableByteChannel channel, Records records) throws IOException {
    // Number of fields and what follows a quote are ours to judge: a row each, not the whole file.
    CsvReader<Row> rows =
        CsvReader.builder()
            .fieldSeparator(delimiter)
            .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
            .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
            .allowExtraCharsAfterClosingQuote(true)
            .allowUnclosedQuote(false)
            .maxBufferSize(MAX_FIELD_CHARS)
            .build(new RowHandler(), new Utf8Reader(channel));
    Header header = new Header();
    try {
      for (Row row : rows) {
        header.read(row, records);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } catch (CsvParseException e) {
      Throwable cause = e.getCause();
      throw new IOException(e.getMessage() + (cause == null ? "" : ": " + cause.getMessage()), e);
    }
  }

  /**
   * @param fields in order
   * @param damage why the row can't be used; null if nothing is wrong
   */
  private record Row(long line, List<JsonNode> fields, @Nullable String damage) {}

  /** The names of the first row, for those that follow. */
  private static final class Header {
    private @Nullable List<String> names;

    void read(Row row, Records records) throws IOException {
      if (names == null) {
        names = names(row);
      } else if (row.damage() != null) {
        records.reject(row.line(), row.damage());
      } else if (row.fields().size() != names.size()) {
        records.reject(
            row.line(),
            "wanted "
                + names.size()
                + " fields, as the header has, but found "
                + row.fields().size());
      } else {
        Map<String, JsonNode> columns = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
          if (!names.get(i).isEmpty()) {
            columns.put(names.get(i), row.fields().get(i));
          }
        }
        records.record(row.line(), columns);
      }
    }

    private static List<String> names(Row row) throws IOException {
      if (row.damage() != null) {
        throw new IOException("the header can't be read: " + row.damage());
      }
      List<String> names = row.fields().stream().map(name -> name.asText("").strip()).toList();
      PromptColumns.requireNames(names.stream().filter(name -> !name.isEmpty()).toList());
      return names;
    }
  }

  /** Holds at most one row, and of that no more than a row may have. */
  private static final class RowHandler extends AbstractBaseCsvCallbackHandler<Row> {
    private final List<JsonNode> fields = new ArrayList<>();
    private long line;
    private long chars;
    private boolean damaged;

    @Override
    protected void handleBegin(long startingLineNumber) {
      fields.clear();
      line = startingLineNumber;
      chars = 0;
      damaged = false;
    }

    @Override
    protected void handleField(int index, char[] buffer, int offset, int length, boolean quoted) {
      chars += length;
      if (chars > MAX_ROW_CHARS) {
        fields.clear();
        return;
      }
      String text = new String(buffer, offset, length);
      damaged |= Utf8Reader.isDamaged(text);
      fields.add(text.isEmpty() && !quoted ? NullNode.getInstance() : TextNode.valueOf(text));
    }

    @Override
    protected Row buildRecord() {
      String damage = null;
      if (chars > MAX_ROW_CHARS) {
        damage = "wanted a row of at most " + MAX_ROW_CHARS + " characters, but found " + chars;
      } else if (damaged) {
        damage = "wanted UTF-8, but found other bytes";
      }
      return new Row(line, List.copyOf(fields), damage);
    }
  }
}
