package io.shardlight.prompts;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.SeekableInput;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.IndexedRecord;

/**
 * {@code .avro}: an Avro object container of records, their fields being the columns. One block is
 * in memory at a time. Records have no boundaries, so from the first that can't be decoded on
 * nobody can say what is there, and the file fails.
 */
final class AvroFormat implements PromptFormat {
  @Override
  public String extension() {
    return ".avro";
  }

  @Override
  public boolean isText() {
    return false;
  }

  // The stream would close the channel, which is the caller's.
  @SuppressWarnings("resource")
  @Override
  public void read(ReadableByteChannel channel, Records records) throws IOException {
    if (!(channel instanceof SeekableByteChannel bytes)) {
      throw new IOException("wanted an Avro file whose length is known, not a stream");
    }
    DataFileReader<Object> file = open(bytes);
    Schema schema = file.getSchema();
    if (schema.getType() != Schema.Type.RECORD) {
      throw new IOException("wanted records, but found Avro of type " + schema.getType().getName());
    }
    PromptColumns.requireNames(schema.getFields().stream().map(Schema.Field::name).toList());
    for (long number = 1; hasNext(file, number); number++) {
      Object datum = next(file, number);
      records.convert(number, () -> columns(schema, (IndexedRecord) datum));
    }
    // Avro takes a file that breaks off between two blocks, or in the head of one, for complete.
    if (file.previousSync() != bytes.size()) {
      throw new IOException(
          "wanted a file that ends with a block, at byte "
              + file.previousSync()
              + ", but found "
              + bytes.size()
              + " bytes; is it cut off?");
    }
  }

  private static DataFileReader<Object> open(SeekableByteChannel channel) throws IOException {
    try {
      return new DataFileReader<>(new Input(channel), new GenericDatumReader<>());
    } catch (RuntimeException e) {
      throw new IOException("wanted an Avro file, but its head can't be read: " + e, e);
    }
  }

  private static boolean hasNext(DataFileReader<Object> file, long number) throws IOException {
    try {
      return file.hasNext();
    } catch (RuntimeException e) {
      throw damaged(number, e);
    }
  }

  // Avro meets hostile bytes with exceptions of many kinds, and says so nowhere.
  private static Object next(DataFileReader<Object> file, long number) throws IOException {
    try {
      return file.next();
    } catch (RuntimeException e) {
      throw damaged(number, e);
    }
  }

  private static Map<String, JsonNode> columns(Schema schema, IndexedRecord datum) {
    Map<String, JsonNode> columns = new LinkedHashMap<>();
    for (Schema.Field field : schema.getFields()) {
      columns.put(field.name(), AvroJson.of(field.schema(), datum.get(field.pos())));
    }
    return columns;
  }

  private static IOException damaged(long number, Exception cause) {
    return new IOException("record " + number + " can't be decoded: " + cause, cause);
  }

  /** What Avro reads from; leaves the channel to whoever opened it. */
  private record Input(SeekableByteChannel channel) implements SeekableInput {
    @Override
    public void seek(long position) throws IOException {
      channel.position(position);
    }

    @Override
    public long tell() throws IOException {
      return channel.position();
    }

    @Override
    public long length() throws IOException {
      return channel.size();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return channel.read(ByteBuffer.wrap(target, offset, length));
    }

    @Override
    public void close() {}
  }
}
