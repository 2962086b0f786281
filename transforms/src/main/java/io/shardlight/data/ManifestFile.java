package io.shardlight.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import io.shardlight.parquet.AvroParquet;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericRecord;
import org.apache.commons.compress.utils.SeekableInMemoryByteChannel;

/** A shard's rows as a file, in any format. The same rows give the same bytes. */
public final class ManifestFile {
  private static final ObjectReader JSON = new ObjectMapper().reader();

  private ManifestFile() {}

  /**
   * @param rows in the order they are to have
   * @return the whole file
   */
  public static byte[] write(
      ManifestFormat format, int shard, List<ManifestRow> rows, GenerationSettings settings) {
    String fingerprint = settings.configFingerprint();
    return writeRecords(
        format,
        shard,
        rows.stream().map(row -> row.toAvro(shard, settings, fingerprint)).toList(),
        settings);
  }

  /**
   * @param records in {@link AvroManifest}'s schema, in the order they are to have
   * @return the whole file
   */
  public static byte[] writeRecords(
      ManifestFormat format, int shard, List<GenericRecord> records, GenerationSettings settings) {
    return switch (format) {
      case AVRO -> AvroManifest.write(shard, records, settings.configFingerprint());
      case PARQUET ->
          AvroParquet.write(
              AvroManifest.SCHEMA, records, "shardlight version " + settings.pipelineVersion());
      case JSONL -> lines(records);
    };
  }

  private static byte[] lines(List<GenericRecord> records) {
    StringBuilder lines = new StringBuilder();
    for (GenericRecord row : records) {
      lines.append(CanonicalJson.write(ManifestJson.of(row))).append('\n');
    }
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads rows one after the other.
   *
   * @param name ends in the format's name
   * @param content the whole file
   * @param rows takes each in turn
   * @throws IOException if the file isn't what {@link #write} writes
   */
  public static void read(String name, byte[] content, CommittedShards.Rows rows)
      throws IOException {
    switch (ManifestFormat.fromOption(name.substring(name.lastIndexOf('.') + 1))) {
      case AVRO -> readAvro(content, rows);
      case PARQUET ->
          AvroParquet.read(
              AvroManifest.SCHEMA, new SeekableInMemoryByteChannel(content), rows::take);
      case JSONL -> readLines(name, new String(content, StandardCharsets.UTF_8), rows);
    }
  }

  private static void readAvro(byte[] content, CommittedShards.Rows rows) throws IOException {
    try (DataFileStream<GenericRecord> records =
        decode(() -> AvroManifest.read(new ByteArrayInputStream(content)))) {
      while (decode(records::hasNext)) {
        // What the taker throws is no fault of the file.
        rows.take(decode(records::next));
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
      throw new IOException("the Avro file can't be decoded: " + e, e);
    }
  }

  private static void readLines(String name, String content, CommittedShards.Rows rows)
      throws IOException {
    int number = 0;
    BufferedReader lines = new BufferedReader(new StringReader(content));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      GenericRecord row;
      try {
        row = ManifestJson.parse(JSON.readTree(line));
      } catch (JsonProcessingException | IllegalArgumentException e) {
        throw new IOException(
            name + " line " + number + " must be a row as JSON, but is not: " + e.getMessage(), e);
      }
      rows.take(row);
    }
  }
}
