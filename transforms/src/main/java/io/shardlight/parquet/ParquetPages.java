package io.shardlight.parquet;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.page.DataPage;
import org.apache.parquet.column.page.DataPageV1;
import org.apache.parquet.column.page.DataPageV2;
import org.apache.parquet.column.page.DictionaryPage;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.column.statistics.Statistics;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one row group, read when they are asked for: of each column no more than a page is
 * in memory. Stands in for the reader of parquet-hadoop, which does not work without Hadoop.
 */
public final class ParquetPages implements PageReadStore {
  /** Writers aim at 1 MiB; a text column's dictionary may be larger. */
  private static final int MAX_PAGE_BYTES = 1 << 28;

  /** Readers of values don't ask for them. */
  private static final @Nullable Statistics<?> NO_STATISTICS = null;

  private static final int BUFFER_BYTES = 1 << 13;

  private final SeekableByteChannel channel;
  private final long rows;
  private final Map<List<String>, ColumnMetaData> chunks = new HashMap<>();

  public ParquetPages(SeekableByteChannel channel, RowGroup group) throws IOException {
    this.channel = channel;
    this.rows = group.getNum_rows();
    for (ColumnChunk chunk : group.getColumns()) {
      if (!chunk.isSetMeta_data()) {
        throw new IOException("wanted columns that can be read, but found an encrypted one");
      }
      chunks.put(List.copyOf(chunk.getMeta_data().getPath_in_schema()), chunk.getMeta_data());
    }
  }

  @Override
  public long getRowCount() {
    return rows;
  }

  @Override
  public PageReader getPageReader(ColumnDescriptor column) {
    ColumnMetaData chunk = chunks.get(List.of(column.getPath()));
    if (chunk == null) {
      throw new IllegalStateException(
          "a row group lacks the column " + String.join(".", column.getPath()));
    }
    return new ChunkPages(channel, chunk);
  }

  /** The pages of one column; interleaved with those of others, so it knows its own place. */
  private static final class ChunkPages implements PageReader {
    private final ColumnMetaData chunk;
    private final ChunkBytes bytes;
    private @Nullable PageHeader ahead;
    private long valuesLeft;

    ChunkPages(SeekableByteChannel channel, ColumnMetaData chunk) {
      this.chunk = chunk;
      this.valuesLeft = chunk.getNum_values();
      long start = chunk.getData_page_offset();
      // Some writers put a zero where there is no dictionary.
      if (chunk.isSetDictionary_page_offset() && chunk.getDictionary_page_offset() > 0) {
        start = Math.min(start, chunk.getDictionary_page_offset());
      }
      this.bytes = new ChunkBytes(channel, start, chunk.getTotal_compressed_size());
    }

    @Override
    public long getTotalValueCount() {
      return chunk.getNum_values();
    }

    @Override
    public @Nullable DictionaryPage readDictionaryPage() {
      try {
        PageHeader header = header();
        if (!header.isSetDictionary_page_header()) {
          return null;
        }
        ahead = null;
        byte[] content =
            ParquetCodec.unpack(
                chunk.getCodec(), packed(header), size(header.getUncompressed_page_size()));
        return new DictionaryPage(
            BytesInput.from(content),
            header.getDictionary_page_header().getNum_values(),
            encoding(header.getDictionary_page_header().getEncoding()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public @Nullable DataPage readPage() {
      try {
        while (valuesLeft > 0) {
          PageHeader header = header();
          ahead = null;
          if (header.isSetData_page_header()) {
            valuesLeft -= header.getData_page_header().getNum_values();
            return version1(header, header.getData_page_header());
          }
          if (header.isSetData_page_header_v2()) {
            valuesLeft -= header.getData_page_header_v2().getNum_values();
            return version2(header, header.getData_page_header_v2());
          }
          packed(header);
        }
        return null;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private DataPage version1(PageHeader header, DataPageHeader data) throws IOException {
      int size = size(header.getUncompressed_page_size());
      return new DataPageV1(
          BytesInput.from(ParquetCodec.unpack(chunk.getCodec(), packed(header), size)),
          data.getNum_values(),
          size,
          NO_STATISTICS,
          encoding(data.getRepetition_level_encoding()),
          encoding(data.getDefinition_level_encoding()),
          encoding(data.getEncoding()));
    }

    /** Levels lie in front, never compressed. */
    private DataPage version2(PageHeader header, DataPageHeaderV2 data) throws IOException {
      byte[] page = packed(header);
      int repetition = data.getRepetition_levels_byte_length();
      int definition = data.getDefinition_levels_byte_length();
      int levels = Math.addExact(repetition, definition);
      if (repetition < 0 || definition < 0 || levels > page.length) {
        throw new IOException("a page of " + page.length + " bytes has more of levels: " + levels);
      }
      byte[] values = Arrays.copyOfRange(page, levels, page.length);
      boolean packed = !data.isSetIs_compressed() || data.isIs_compressed();
      int size = size(header.getUncompressed_page_size() - levels);
      return DataPageV2.uncompressed(
          data.getNum_rows(),
          data.getNum_nulls(),
          data.getNum_values(),
          BytesInput.from(page, 0, repetition),
          BytesInput.from(page, repetition, definition),
          encoding(data.getEncoding()),
          BytesInput.from(packed ? ParquetCodec.unpack(chunk.getCodec(), values, size) : values),
          NO_STATISTICS);
    }

    private PageHeader header() throws IOException {
      if (ahead == null) {
        ahead = Util.readPageHeader(bytes);
      }
      return ahead;
    }

    private byte[] packed(PageHeader header) throws IOException {
      int size = size(header.getCompressed_page_size());
      byte[] packed = bytes.left() < size ? new byte[0] : bytes.readNBytes(size);
      if (packed.length != size) {
        throw new IOException("a page of " + size + " bytes is longer than what is left of it");
      }
      return packed;
    }

    private static int size(int bytes) throws IOException {
      if (bytes < 0 || bytes > MAX_PAGE_BYTES) {
        throw new IOException(
            "wanted pages of at most " + MAX_PAGE_BYTES + " bytes, but found one of " + bytes);
      }
      return bytes;
    }

    private static Encoding encoding(org.apache.parquet.format.Encoding encoding) {
      return Encoding.valueOf(encoding.name());
    }
  }

  /** A stretch of the file, through a small buffer. */
  private static final class ChunkBytes extends InputStream {
    private final SeekableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).flip();
    private final long end;
    private long position;

    ChunkBytes(SeekableByteChannel channel, long start, long length) {
      this.channel = channel;
      this.position = start;
      this.end = start + length;
    }

    long left() {
      return end - position + buffer.remaining();
    }

    @Override
    public int read() throws IOException {
      return fill() ? buffer.get() & 0xFF : -1;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int count = Math.min(length, buffer.remaining());
      buffer.get(target, offset, count);
      return count;
    }

    private boolean fill() throws IOException {
      if (buffer.hasRemaining()) {
        return true;
      }
      if (position >= end) {
        return false;
      }
      buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
      channel.position(position);
      int count = channel.read(buffer);
      buffer.flip();
      position += Math.max(count, 0);
      return count > 0;
    }
  }
}
