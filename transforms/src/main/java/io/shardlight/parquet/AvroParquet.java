package io.shardlight.parquet;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.parquet.column.ColumnWriteStore;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * Flat Avro records as a Parquet file of one row group, and back. A field is a string, an int, a
 * long, a float or a boolean, which may be null, or a map of strings. The same records give the
 * same bytes: nothing is written down but them and the schema.
 */
public final class AvroParquet {
  private static final String KEY_VALUE = "key_value";

  private AvroParquet() {}

  /** Takes one record after the other. */
  public interface Rows {
    void take(GenericRecord row) throws IOException;
  }

  /**
   * @param rows of the schema; maps in the order in which they are to be written
   * @param createdBy program and version, which readers consult about faults of old writers
   * @return the whole file, its pages packed with GZIP, which every reader knows
   */
  public static byte[] write(Schema schema, Iterable<GenericRecord> rows, String createdBy) {
    MessageType message = message(schema);
    ParquetChunks chunks = new ParquetChunks();
    long count = 0;
    try (ColumnWriteStore columns =
        ParquetProperties.builder()
            .withWriterVersion(ParquetProperties.WriterVersion.PARQUET_1_0)
            .build()
            .newColumnWriteStore(message, chunks)) {
      RecordConsumer consumer = new ColumnIOFactory().getColumnIO(message).getRecordWriter(columns);
      for (GenericRecord row : rows) {
        consumer.startMessage();
        for (Schema.Field field : schema.getFields()) {
          Object value = row.get(field.pos());
          if (value != null) {
            consumer.startField(field.name(), field.pos());
            add(consumer, value);
            consumer.endField(field.name(), field.pos());
          }
        }
        consumer.endMessage();
        count++;
      }
      consumer.flush();
      columns.flush();
    }
    try {
      return chunks.file(message, count, createdBy);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void add(RecordConsumer consumer, Object value) {
    if (value instanceof Integer number) {
      consumer.addInteger(number);
    } else if (value instanceof Long number) {
      consumer.addLong(number);
    } else if (value instanceof Float number) {
      consumer.addFloat(number);
    } else if (value instanceof Boolean bool) {
      consumer.addBoolean(bool);
    } else if (value instanceof Map<?, ?> map) {
      consumer.startGroup();
      if (!map.isEmpty()) {
        consumer.startField(KEY_VALUE, 0);
        map.forEach((name, text) -> addEntry(consumer, name, text));
        consumer.endField(KEY_VALUE, 0);
      }
      consumer.endGroup();
    } else {
      consumer.addBinary(Binary.fromString(value.toString()));
    }
  }

  private static void addEntry(RecordConsumer consumer, Object name, Object text) {
    consumer.startGroup();
    consumer.startField("key", 0);
    consumer.addBinary(Binary.fromString(name.toString()));
    consumer.endField("key", 0);
    consumer.startField("value", 1);
    consumer.addBinary(Binary.fromString(text.toString()));
    consumer.endField("value", 1);
    consumer.endGroup();
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param file a whole file
   * @param rows takes the records; strings are {@link String}s
   * @throws IOException also if the file is damaged
   */
  public static void read(Schema schema, SeekableByteChannel file, Rows rows) throws IOException {
    FileMetaData footer = ParquetFooter.read(file);
    MessageColumnIO columns =
        new ColumnIOFactory(footer.getCreated_by()).getColumnIO(message(schema));
    for (RowGroup group : footer.getRow_groups()) {
      RecordReader<GenericRecord> reader =
          decode(
              () ->
                  columns.getRecordReader(new ParquetPages(file, group), new Materializer(schema)));
      for (long i = 0; i < group.getNum_rows(); i++) {
        // What the taker throws is no fault of the file.
        rows.take(decode(reader::read));
      }
    }
  }

  private interface Decoding<T> {
    T get() throws IOException;
  }

  private static <T> T decode(Decoding<T> decoding) throws IOException {
    try {
      return decoding.get();
    } catch (RuntimeException e) {
      throw new IOException("the Parquet file can't be decoded: " + e, e);
    }
  }

  private static MessageType message(Schema schema) {
    List<Type> fields = new ArrayList<>();
    for (Schema.Field field : schema.getFields()) {
      Schema type = value(field.schema());
      Type.Repetition repetition =
          field.schema().isUnion() ? Type.Repetition.OPTIONAL : Type.Repetition.REQUIRED;
      fields.add(
          type.getType() == Schema.Type.MAP
              ? Types.buildGroup(repetition)
                  .as(LogicalTypeAnnotation.mapType())
                  .addField(
                      Types.buildGroup(Type.Repetition.REPEATED)
                          .addField(string(Type.Repetition.REQUIRED, "key"))
                          .addField(string(Type.Repetition.REQUIRED, "value"))
                          .named(KEY_VALUE))
                  .named(field.name())
              : primitive(type, repetition, field.name()));
    }
    return new MessageType(schema.getName(), fields);
  }

  /** The type itself, or that of a value that may be null. */
  private static Schema value(Schema schema) {
    return schema.isUnion()
        ? schema.getTypes().stream()
            .filter(type -> type.getType() != Schema.Type.NULL)
            .findFirst()
            .orElseThrow()
        : schema;
  }

  private static Type primitive(Schema type, Type.Repetition repetition, String name) {
    return switch (type.getType()) {
      case STRING -> string(repetition, name);
      case INT -> Types.primitive(PrimitiveTypeName.INT32, repetition).named(name);
      case LONG -> Types.primitive(PrimitiveTypeName.INT64, repetition).named(name);
      case FLOAT -> Types.primitive(PrimitiveTypeName.FLOAT, repetition).named(name);
      case BOOLEAN -> Types.primitive(PrimitiveTypeName.BOOLEAN, repetition).named(name);
      default ->
          throw new IllegalArgumentException(
              "field " + name + " must be of a simple type, but is " + type.getType());
    };
  }

  private static Type string(Type.Repetition repetition, String name) {
    return Types.primitive(PrimitiveTypeName.BINARY, repetition)
        .as(LogicalTypeAnnotation.stringType())
        .named(name);
  }

  private static final class Materializer extends RecordMaterializer<GenericRecord> {
    private final Row root;

    Materializer(Schema schema) {
      this.root = new Row(schema);
    }

    @Override
    public GenericRecord getCurrentRecord() {
      return root.record;
    }

    @Override
    public GroupConverter getRootConverter() {
      return root;
    }
  }

  private static final class Row extends GroupConverter {
    private final Schema schema;
    private final List<Converter> fields = new ArrayList<>();
    private GenericRecord record;

    Row(Schema schema) {
      this.schema = schema;
      this.record = new GenericData.Record(schema);
      for (Schema.Field field : schema.getFields()) {
        int at = field.pos();
        fields.add(
            value(field.schema()).getType() == Schema.Type.MAP
                ? new Texts(map -> record.put(at, map))
                : new Value(value -> record.put(at, value)));
      }
    }

    @Override
    public Converter getConverter(int field) {
      return fields.get(field);
    }

    @Override
    public void start() {
      record = new GenericData.Record(schema);
    }

    @Override
    public void end() {}
  }

  /** Takes a value that has been read. */
  private interface Target {
    void put(Object value);
  }

  private static final class Value extends PrimitiveConverter {
    private final Target target;

    Value(Target target) {
      this.target = target;
    }

    @Override
    public void addBinary(Binary value) {
      target.put(value.toStringUsingUTF8());
    }

    @Override
    public void addBoolean(boolean value) {
      target.put(value);
    }

    @Override
    public void addFloat(float value) {
      target.put(value);
    }

    @Override
    public void addInt(int value) {
      target.put(value);
    }

    @Override
    public void addLong(long value) {
      target.put(value);
    }
  }

  private static final class Texts extends GroupConverter {
    private final Target target;
    private final Entry entry = new Entry();

    Texts(Target target) {
      this.target = target;
    }

    @Override
    public Converter getConverter(int field) {
      return entry;
    }

    @Override
    public void start() {
      entry.texts = new TreeMap<>();
    }

    @Override
    public void end() {
      target.put(entry.texts);
    }
  }

  private static final class Entry extends GroupConverter {
    private final Converter[] parts = {
      new Value(text -> name = text.toString()), new Value(text -> value = text.toString())
    };
    private Map<String, String> texts = new TreeMap<>();
    private String name = "";
    private String value = "";

    @Override
    public Converter getConverter(int field) {
      return Objects.requireNonNull(parts[field]);
    }

    @Override
    public void start() {}

    @Override
    public void end() {
      texts.put(name, value);
    }
  }
}
