package io.shardlight.parquet;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.Util;

/** What stands at the end of a Parquet file: its schema, and where its columns lie. */
public final class ParquetFooter {
  private static final int TAIL_BYTES = 8;
  private static final int MAX_FOOTER_BYTES = 1 << 27;

  private ParquetFooter() {}

  /**
   * @param file a whole file
   * @throws IOException also if it is damaged, encrypted or no Parquet file
   */
  public static FileMetaData read(SeekableByteChannel file) throws IOException {
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
}
