package io.shardlight.prompts;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;
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
  private static final int TAIL_BYTES = 8;
  private static final int MAX_FOOTER_BYTES = 1 << 27;

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
    FileMetaData footer = footer(file);
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

  private static FileMetaData footer(SeekableByteChannel file) throws IOException {
    long size = file.size();
    if (size < TAIL_BYTES + 4) {
      throw new IOException("wanted a Parquet file, but found " + size + " bytes");
    }
    ByteBuffer tail = read(file, size - TAIL_BYTES, TAIL_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int length = tail.getInt();
    String magic = StandardCharsets.ISO_8859_1.decode(tail).toString();
    if (!magic.equals("PAR1")) {
      throw new IOException(
          magic.equals("PARE")
              ? "wanted a Parquet file that can be read, but found an encrypted one"
              : "wanted a Parquet file, which ends in PAR1; is it cut off?");
    }
    if (length < 0 || length > Math.min(MAX_FOOTER_BYTES, size - TAIL_BYTES)) {
      throw new IOException("wanted a footer within the file, but its length is " + length);
    }
    byte[] footer = read(file, size - TAIL_BYTES - length, length).array();
    try {
      return Util.readFileMetaData(new ByteArrayInputStream(footer));
    } catch (RuntimeException e) {
      throw new IOException("the footer of the Parquet file can't be read: " + e, e);
    }
  }

  private static ByteBuffer read(SeekableByteChannel file, long position, int length)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    file.position(position);
    while (bytes.hasRemaining()) {
      if (file.read(bytes) < 0) {
        throw new EOFException("the file ends at byte " + file.position());
      }
    }
    return bytes.flip();
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
