package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.util.Utf8;
import org.junit.jupiter.api.Test;

class AvroFormatTest {
  private static final String TYPES =
      """
      {"type": "record", "name": "Row", "fields": [
        {"name": "text", "type": "string"},
        {"name": "tags", "type": {"type": "array", "items": ["null", "string"]}},
        {"name": "sizes", "type": {"type": "map", "values": "int"}},
        {"name": "box", "type": {"type": "record", "name": "Box", "fields": [
          {"name": "x", "type": "int"}, {"name": "y", "type": ["double", "string"]}]}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "utc", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "time", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "yes", "type": "boolean"},
        {"name": "raw", "type": {"type": "fixed", "name": "Two", "size": 2}},
        {"name": "half", "type": "float"}]}
      """;

  private static final Schema PROMPT = schema("string");

  @Test
  void everyTypeIsCarriedAsJsonSpellsIt() throws Exception {
    Schema schema = new Schema.Parser().parse(TYPES);
    GenericData.Record box = new GenericData.Record(schema.getField("box").schema());
    box.put("x", 1);
    box.put("y", "wide");
    GenericData.Record row = new GenericData.Record(schema);
    row.put("text", "a fox");
    row.put("tags", Arrays.asList("a", null, "b"));
    row.put("sizes", Map.of("w", 1));
    row.put("box", box);
    row.put("day", (int) LocalDate.of(2026, 1, 31).toEpochDay());
    row.put("utc", Instant.parse("2026-01-31T12:00:00.250Z").toEpochMilli());
    row.put("time", 43_200_250_000L);
    row.put("price", ByteBuffer.wrap(BigInteger.valueOf(1250).toByteArray()));
    row.put("yes", true);
    row.put("raw", new GenericData.Fixed(schema.getField("raw").schema(), new byte[] {-1, 0}));
    row.put("half", 0.1f);

    ReadRecords read = ReadRecords.of("p.avro", file(schema, row));

    assertThat(read.rejections()).isEmpty();
    assertThat(read.prompts().get(0).carried())
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                Map.entry("tags", "[\"a\",null,\"b\"]"),
                Map.entry("sizes", "{\"w\":1}"),
                Map.entry("box", "{\"x\":1,\"y\":\"wide\"}"),
                Map.entry("day", "2026-01-31"),
                Map.entry("utc", "2026-01-31T12:00:00.250Z"),
                Map.entry("time", "12:00:00.250"),
                Map.entry("price", "12.50"),
                Map.entry("yes", "true"),
                Map.entry("raw", "/wA="),
                Map.entry("half", "0.1")));
  }

  @Test
  void aTextThatIsNotUtf8CostsItsRecordOnly() throws Exception {
    ReadRecords read =
        ReadRecords.of(
            "p.avro",
            file(
                PROMPT,
                prompt("a fox"),
                prompt(new Utf8("Käfer".getBytes(StandardCharsets.ISO_8859_1))),
                prompt("an owl")));

    assertThat(read.texts()).containsExactly("1: a fox", "3: an owl");
    assertThat(read.rejections())
        .containsExactly("2: a column can't be read: wanted UTF-8, but found other bytes");
  }

  @Test
  void aFileWithoutRecordsHasNoPrompts() throws Exception {
    assertThat(ReadRecords.of("p.avro", file(PROMPT)).prompts()).isEmpty();
  }

  @Test
  void aFileWithoutAPromptColumnFails() {
    Schema schema =
        new Schema.Parser()
            .parse(PROMPT.toString().replace("\"name\":\"prompt\"", "\"name\":\"words\""));

    assertThatThrownBy(() -> ReadRecords.of("p.avro", file(schema)))
        .isInstanceOf(IOException.class)
        .hasMessage("wanted one of the columns [prompt, caption, text], but found [words]");
  }

  @Test
  void aFileOfOtherThingsThanRecordsFails() {
    assertThatThrownBy(
            () -> ReadRecords.of("p.avro", file(Schema.create(Schema.Type.STRING), "a fox")))
        .isInstanceOf(IOException.class)
        .hasMessage("wanted records, but found Avro of type string");
  }

  @Test
  void aPromptThatIsNoTextIsRejected() throws Exception {
    GenericData.Record row = new GenericData.Record(schema("int"));
    row.put("prompt", 7);

    assertThat(ReadRecords.of("p.avro", file(row.getSchema(), row)).rejections())
        .containsExactly("1: prompt must be text, but was JSON of type NUMBER");
  }

  @Test
  void whatIsNoAvroFails() {
    for (String content : List.of("", "Obj", "prompt\na fox\n", "Obj\u0001")) {
      assertThatThrownBy(() -> ReadRecords.of("p.avro", content))
          .as(content)
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aFileThatBreaksOffWithinItsBlockFails() throws Exception {
    byte[] whole = file(PROMPT, prompt("a fox"), prompt("an owl"));
    byte[] head = file(PROMPT);

    for (int length = head.length + 1; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> ReadRecords.of("p.avro", cut))
          .as("%d of %d bytes", length, whole.length)
          .isInstanceOf(IOException.class);
    }
  }

  private static Schema schema(String type) {
    return new Schema.Parser()
        .parse(
            "{\"type\": \"record\", \"name\": \"Prompt\", \"fields\":"
                + " [{\"name\": \"prompt\", \"type\": \""
                + type
                + "\"}]}");
  }

  private static GenericData.Record prompt(CharSequence text) {
    GenericData.Record row = new GenericData.Record(PROMPT);
    row.put("prompt", text);
    return row;
  }

  private static byte[] file(Schema schema, Object... data) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataFileWriter<Object> file = new DataFileWriter<>(new GenericDatumWriter<>())) {
      file.create(schema, bytes, new byte[16]);
      for (Object datum : data) {
        file.append(datum);
      }
    }
    return bytes.toByteArray();
  }
}
