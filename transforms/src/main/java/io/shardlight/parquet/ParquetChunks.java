package io.shardlight.parquet;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.zip.GZIPOutputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageWriteStore;
import org.apache.parquet.column.page.PageWriter;
import org.apache.parquet.column.statistics.SizeStatistics;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.column.statistics.geospatial.GeospatialStatistics;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.CompressionCodec;
import org.apache.parquet.format.ConvertedType;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DictionaryPageHeader;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.FieldRepetitionType;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.LogicalType;
import org.apache.parquet.format.MapType;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.StringType;
import org.apache.parquet.format.Util;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the pages of one row group in memory until they make a file. Stands in for the writer of
 * parquet-hadoop, which does not work without Hadoop. Pages are of the first version, packed with
 * GZIP, and without statistics, as whole files are read.
 */
final class ParquetChunks implements PageWriteStore {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  private final Map<List<String>, Chunk> chunks = new LinkedHashMap<>();

  @Override
  public PageWriter getPageWriter(ColumnDescriptor column) {
    return chunks.computeIfAbsent(List.of(column.getPath()), path -> new Chunk(column));
  }

  /**
   * @param rows how many the pages hold
   * @return the whole file
   */
  byte[] file(MessageType schema, long rows, String createdBy) throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.write(MAGIC);
    List<ColumnChunk> columns = new ArrayList<>();
    long unpackedBytes = 0;
    for (ColumnDescriptor column : schema.getColumns()) {
      Chunk chunk = chunks.get(List.of(column.getPath()));
      if (rows > 0 && chunk != null) {
        ColumnMetaData written = chunk.writeTo(file);
        unpackedBytes += written.getTotal_uncompressed_size();
        // As the specification has it for metadata that stands in the footer only.
        columns.add(new ColumnChunk(0).setMeta_data(written));
      }
    }
    List<SchemaElement> elements = new ArrayList<>();
    elements.add(new SchemaElement(schema.getName()).setNum_children(schema.getFieldCount()));
    schema.getFields().forEach(field -> describe(field, elements));
    FileMetaData footer =
        new FileMetaData(
            1,
            elements,
            rows,
            rows == 0 ? List.of() : List.of(new RowGroup(columns, unpackedBytes, rows)));
    footer.setCreated_by(createdBy);
    int start = file.size();
    Util.writeFileMetaData(footer, file);
    int length = file.size() - start;
    file.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(length).array());
    file.write(MAGIC);
    return file.toByteArray();
  }

  private static void describe(Type type, List<SchemaElement> elements) {
    SchemaElement element = new SchemaElement(type.getName());
    element.setRepetition_type(FieldRepetitionType.valueOf(type.getRepetition().name()));
    elements.add(element);
    if (type.isPrimitive()) {
      PrimitiveTypeName name = type.asPrimitiveType().getPrimitiveTypeName();
      element.setType(physical(name));
      if (name == PrimitiveTypeName.BINARY) {
        element.setConverted_type(ConvertedType.UTF8);
        element.setLogicalType(LogicalType.STRING(new StringType()));
      }
      return;
    }
    GroupType group = type.asGroupType();
    element.setNum_children(group.getFieldCount());
    if (group.getLogicalTypeAnnotation() instanceof MapLogicalTypeAnnotation) {
      element.setConverted_type(ConvertedType.MAP);
      element.setLogicalType(LogicalType.MAP(new MapType()));
    }
    group.getFields().forEach(field -> describe(field, elements));
  }

  private static org.apache.parquet.format.Type physical(PrimitiveTypeName name) {
    return name == PrimitiveTypeName.BINARY
        ? org.apache.parquet.format.Type.BYTE_ARRAY
        : org.apache.parquet.format.Type.valueOf(name.name());
  }

  private static byte[] pack(byte[] content) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
      gzip.write(content);
    }
    return packed.toByteArray();
  }

  private static byte[] bytes(BytesInput content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    content.writeAllTo(bytes);
    return bytes.toByteArray();
  }

  private static Encoding encoding(org.apache.parquet.column.Encoding encoding) {
    return Encoding.valueOf(encoding.name());
  }

  /** One column's pages. */
  private static final class Chunk implements PageWriter {
    private final ColumnDescriptor column;
    private final ByteArrayOutputStream pages = new ByteArrayOutputStream();
    private final ByteArrayOutputStream dictionary = new ByteArrayOutputStream();
    private final TreeSet<Encoding> encodings = new TreeSet<>();
    private long values;
    private long unpackedBytes;

    Chunk(ColumnDescriptor column) {
      this.column = column;
    }

    @Deprecated // as the interface has it; what it calls is the next
    @Override
    public void writePage(
        BytesInput content,
        int valueCount,
        @Nullable Statistics<?> statistics,
        org.apache.parquet.column.Encoding repetition,
        org.apache.parquet.column.Encoding definition,
        org.apache.parquet.column.Encoding encoding)
        throws IOException {
      writePage(content, valueCount, valueCount, statistics, repetition, definition, encoding);
    }

    @Override
    public void writePage(
        BytesInput content,
        int valueCount,
        int rowCount,
        @Nullable Statistics<?> statistics,
        @Nullable SizeStatistics sizes,
        @Nullable GeospatialStatistics places,
        org.apache.parquet.column.Encoding repetition,
        org.apache.parquet.column.Encoding definition,
        org.apache.parquet.column.Encoding encoding)
        throws IOException {
      writePage(content, valueCount, rowCount, statistics, repetition, definition, encoding);
    }

    @Override
    public void writePage(
        BytesInput content,
        int valueCount,
        int rowCount,
        @Nullable Statistics<?> statistics,
        org.apache.parquet.column.Encoding repetition,
        org.apache.parquet.column.Encoding definition,
        org.apache.parquet.column.Encoding encoding)
        throws IOException {
      byte[] bytes = bytes(content);
      byte[] packed = pack(bytes);
      PageHeader header = new PageHeader(PageType.DATA_PAGE, bytes.length, packed.length);
      header.setData_page_header(
          new DataPageHeader(
              valueCount, encoding(encoding), encoding(definition), encoding(repetition)));
      write(header, packed, pages);
      values += valueCount;
      encodings.add(encoding(encoding));
      encodings.add(encoding(definition));
      encodings.add(encoding(repetition));
    }

    @Override
    public void writePageV2(
        int rowCount,
        int nullCount,
        int valueCount,
        BytesInput repetitionLevels,
        BytesInput definitionLevels,
        org.apache.parquet.column.Encoding encoding,
        BytesInput data,
        @Nullable Statistics<?> statistics) {
      throw new UnsupportedOperationException("only pages of the first version are written");
    }

    @Override
    public void writeDictionaryPage(DictionaryPage page) throws IOException {
      byte[] bytes = bytes(page.getBytes());
      byte[] packed = pack(bytes);
      PageHeader header = new PageHeader(PageType.DICTIONARY_PAGE, bytes.length, packed.length);
      header.setDictionary_page_header(
          new DictionaryPageHeader(page.getDictionarySize(), encoding(page.getEncoding())));
      write(header, packed, dictionary);
      encodings.add(encoding(page.getEncoding()));
    }

    private void write(PageHeader header, byte[] packed, ByteArrayOutputStream out)
        throws IOException {
      int before = out.size();
      Util.writePageHeader(header, out);
      unpackedBytes += out.size() - before + header.getUncompressed_page_size();
      out.write(packed);
    }

    /** Appends the chunk to the file, its dictionary in front. */
    ColumnMetaData writeTo(ByteArrayOutputStream file) throws IOException {
      int start = file.size();
      dictionary.writeTo(file);
      int data = file.size();
      pages.writeTo(file);
      ColumnMetaData written =
          new ColumnMetaData(
              physical(column.getPrimitiveType().getPrimitiveTypeName()),
              List.copyOf(encodings),
              List.of(column.getPath()),
              CompressionCodec.GZIP,
              values,
              unpackedBytes,
              file.size() - start,
              data);
      if (dictionary.size() > 0) {
        written.setDictionary_page_offset(start);
      }
      return written;
    }

    @Override
    public long getMemSize() {
      return pages.size();
    }

    @Override
    public long allocatedSize() {
      return pages.size();
    }

    @Override
    public String memUsageString(String prefix) {
      return prefix + " " + pages.size() + " bytes";
    }
  }
}
