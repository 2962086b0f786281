package io.shardlight.prompts;

import io.shardlight.parquet.ParquetFooter;
import io.shardlight.parquet.ParquetPages;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/**
 * {@code .parquet}: rows of any schema, whose top-level fields are the columns. Row groups are read
 * one after the other, and of each column one page is in memory at a time. A value that is not
 * UTF-8 costs its row; a page that can't be decoded fails the file.
 */
final class ParquetFormat implements PromptFormat {
  @Override
  public String extension() {
    return ".parquet";
  }

  @Override
  public boolean isText() {
    return false;
  }

  @Override
  public void read(ReadableByteChannel channel, Records records) throws IOException {
    if (!(channel instanceof SeekableByteChannel file)) {
      throw new IOException("wanted a Parquet file that can be read from its end, not a stream");
    }
    FileMetaData footer = ParquetFooter.read(file);
    MessageType schema;
    MessageColumnIO columns;
    try {
      schema = ParquetSchema.of(footer.getSchema());
      columns = new ColumnIOFactory(footer.getCreated_by()).getColumnIO(schema);
    } catch (RuntimeException e) {
      throw new IOException("the schema of the Parquet file can't be read: " + e, e);
    }
    PromptColumns.requireNames(schema.getFields().stream().map(Type::getName).toList());
    long number = 1;
    for (RowGroup rowGroup : footer.getRow_groups()) {
      if (rowGroup.getNum_rows() == 0) {
        continue; // Its columns have not even a page.
      }
      RecordReader<Group> rows = open(new ParquetPages(file, rowGroup), columns, schema, number);
      for (long i = 0; i < rowGroup.getNum_rows(); i++) {
        Group row = next(rows, number);
        records.convert(number, () -> ParquetJson.columns(schema, row));
        number++;
      }
    }
  }

  // Hostile bytes end in exceptions of many kinds, with the reader's own around them.
  private static RecordReader<Group> open(
      ParquetPages pages, MessageColumnIO columns, MessageType schema, long number)
      throws IOException {
    try {
      return columns.getRecordReader(pages, new GroupRecordConverter(schema));
    } catch (RuntimeException e) {
      throw damaged(number, e);
    }
  }

  private static Group next(RecordReader<Group> rows, long number) throws IOException {
    try {
      return rows.read();
    } catch (RuntimeException e) {
      throw damaged(number, e);
    }
  }

  private static IOException damaged(long number, RuntimeException cause) {
    Throwable root = cause;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return new IOException("row " + number + " can't be decoded: " + root, cause);
  }
}
