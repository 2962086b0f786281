package io.shardlight.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;

/**
 * A shard's rows as an Avro file. The same rows give the same bytes: the sync marker, which Avro
 * draws at random, comes from fingerprint and shard number, and codec and level are fixed.
 */
public final class AvroManifest {
  /** The columns, in their order; the resource {@code manifest.avsc}. */
  public static final Schema SCHEMA = readSchema();

  private static final int DEFLATE_LEVEL = 6;
  private static final int SYNC_BYTES = 16;

  private AvroManifest() {}

  /**
   * @param rows in the order they are to have
   * @param fingerprint of the settings
   * @return the whole file
   */
  static byte[] write(int shard, Iterable<GenericRecord> rows, String fingerprint) {
    byte[] sync = Arrays.copyOf(Sha256.of(fingerprint + "/" + shard), SYNC_BYTES);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataFileWriter<GenericRecord> writer =
        new DataFileWriter<>(new GenericDatumWriter<GenericRecord>(SCHEMA))) {
      writer.setCodec(CodecFactory.deflateCodec(DEFLATE_LEVEL));
      writer.create(SCHEMA, bytes, sync);
      for (GenericRecord row : rows) {
        writer.append(row);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * Reads rows one after the other.
   *
   * @param in a manifest, closed with the result
   * @return rows, to be closed; strings are {@link CharSequence}s
   * @throws IOException if it is no Avro file
   */
  static DataFileStream<GenericRecord> read(InputStream in) throws IOException {
    GenericDatumReader<GenericRecord> reader =
        new GenericDatumReader<>(SCHEMA, SCHEMA, new GenericData());
    return new DataFileStream<>(in, reader);
  }

  private static Schema readSchema() {
    try (InputStream in = AvroManifest.class.getResourceAsStream("manifest.avsc")) {
      if (in == null) {
        throw new IllegalStateException("the resource manifest.avsc is missing from the jar");
      }
      return new Schema.Parser().parse(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
