package io.shardlight.parquet;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.lz4.BlockLZ4CompressorInputStream;
import org.apache.commons.compress.compressors.snappy.SnappyCompressorInputStream;
import org.apache.commons.compress.compressors.zstandard.ZstdCompressorInputStream;
import org.apache.parquet.format.CompressionCodec;

/** Unpacks pages of Parquet files. Parquet's own codecs would need Hadoop's classes. */
public final class ParquetCodec {
  private ParquetCodec() {}

  /**
   * @param length of what comes out
   * @throws IOException if anything else comes out, or the codec is none of ours
   */
  static byte[] unpack(CompressionCodec codec, byte[] packed, int length) throws IOException {
    if (length == 0) {
      return new byte[0];
    }
    byte[] unpacked;
    try (InputStream in = open(codec, new ByteArrayInputStream(packed))) {
      unpacked = in.readNBytes(length);
    } catch (RuntimeException e) {
      throw new IOException("a page's " + codec + " data is damaged: " + e, e);
    }
    if (unpacked.length != length) {
      throw new IOException(
          "wanted a page of " + length + " bytes, but found " + unpacked.length + " in it");
    }
    return unpacked;
  }

  private static InputStream open(CompressionCodec codec, InputStream in) throws IOException {
    return switch (codec) {
      case UNCOMPRESSED -> in;
      case SNAPPY -> new SnappyCompressorInputStream(in);
      case GZIP -> new GZIPInputStream(in);
      case ZSTD -> new ZstdCompressorInputStream(in);
      case LZ4_RAW -> new BlockLZ4CompressorInputStream(in);
      case LZO, BROTLI, LZ4 ->
          throw new IOException(
              "wanted pages packed by SNAPPY, GZIP, ZSTD, LZ4_RAW or not at all, but found "
                  + codec
                  + "; write the file again with one of these");
    };
  }
}
