package io.shardlight.prompts;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.Overrides;
import io.shardlight.data.OverridesBuilder;
import io.shardlight.data.Prompt;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.CodecFactory;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same records give the same prompts, whatever format they are in. */
class SameRecordsTest {
  private record Content(String id, String text, Overrides overrides, Map<String, String> carried) {
    static Content of(Prompt prompt) {
      return new Content(prompt.id(), prompt.text(), prompt.overrides(), prompt.carried());
    }
  }

  private static final List<Content> PROMPTS =
      List.of(
          new Content(
              "p1",
              "a \"red\" fox, running\nfast",
              new OverridesBuilder()
                  .negativePrompt("blurry")
                  .seed(4294967295L)
                  .images(2)
                  .scheduler(SchedulerKind.DDIM)
                  .steps(30)
                  .guidanceScale(5.5f)
                  .width(512)
                  .height(768)
                  .build(),
              Map.of("score", "0.25", "topic", "animals")),
          new Content("p2", "ein Käfer 🐞", Overrides.NONE, Map.of()),
          new Content(
              "p3",
              "an owl\tat night",
              new OverridesBuilder().seed(7L).guidanceScale(7).build(),
              Map.of("score", "100000.0", "topic", "x")));

  private static final List<String> REASONS =
      List.of("width must be a multiple of 8 in [8, 2048], but was 100", "prompt is empty");

  private static final String CSV =
      """
      id,prompt,negative_prompt,seed,images,steps,guidance_scale,width,height,scheduler,score,topic
      p1,"a ""red"" fox, running
      fast",blurry,4294967295,2,30,5.5,512,768,ddim,0.25,animals
      p2,ein Käfer 🐞,,,,,,,,,,
      p3,an owl\tat night,,7,,,7.0,,,,100000.0,x
      p4,a hen,,,,,,100,,,,
      p5," ",,,,,,,,,,
      """;

  private static final String JSON_LINES =
      """
      {"id": "p1", "prompt": "a \\"red\\" fox, running\\nfast", "negative_prompt": "blurry", "seed": 4294967295, "images": 2, "steps": 30, "guidance_scale": 5.5, "width": 512, "height": 768, "scheduler": "ddim", "score": 0.25, "topic": "animals"}
      {"id": "p2", "prompt": "ein Käfer 🐞", "seed": null}
      {"id": "p3", "prompt": "an owl\\tat night", "seed": 7, "guidance_scale": 7.0, "score": 100000.0, "topic": "x"}
      {"id": "p4", "prompt": "a hen", "width": 100}
      {"id": "p5", "prompt": " "}
      """;

  @Test
  void ofJsonLines() throws Exception {
    expectAll(ReadRecords.of("p.jsonl", JSON_LINES));
  }

  @Test
  void ofCsv() throws Exception {
    expectAll(ReadRecords.of("p.csv", CSV));
  }

  @Test
  void ofTsv() throws Exception {
    expectAll(
        ReadRecords.of(
            "p.tsv",
            CSV.replace("fox, ", "fox; ")
                .replace("an owl\tat night", "\"an owl;at night\"")
                .replace(',', '\t')
                .replace("fox; ", "fox, ")
                .replace("owl;at", "owl\tat")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"snappy", "zstd-v2", "gzip-groups", "lz4", "none"})
  void ofParquet(String variant) throws Exception {
    ReadRecords read = ParquetFormatTest.read("same-" + variant + ".parquet");

    expectAll(read);
    assertThat(read.prompts())
        .extracting(prompt -> prompt.source().line())
        .containsExactly(1L, 2L, 3L);
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "deflate", "snappy", "zstandard"})
  void ofAvro(String codec) throws Exception {
    expectAll(ReadRecords.of("p.avro", avro(codec)));
  }

  private static void expectAll(ReadRecords read) {
    assertThat(read.prompts()).extracting(Content::of).containsExactlyElementsOf(PROMPTS);
    assertThat(read.rejections())
        .extracting(rejection -> rejection.replaceAll("^[0-9]+: ", ""))
        .containsExactlyElementsOf(REASONS);
  }

  private static byte[] avro(String codec) throws IOException {
    Schema schema =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "Prompt", "fields": [
                  {"name": "id", "type": "string"},
                  {"name": "prompt", "type": "string"},
                  {"name": "negative_prompt", "type": ["null", "string"], "default": null},
                  {"name": "seed", "type": ["null", "long"], "default": null},
                  {"name": "images", "type": ["null", "int"], "default": null},
                  {"name": "steps", "type": ["null", "int"], "default": null},
                  {"name": "guidance_scale", "type": ["null", "float"], "default": null},
                  {"name": "width", "type": ["null", "int"], "default": null},
                  {"name": "height", "type": ["null", "int"], "default": null},
                  {"name": "scheduler", "type": ["null",
                    {"type": "enum", "name": "Scheduler", "symbols": ["pndm", "ddim"]}], "default": null},
                  {"name": "score", "type": ["null", "double"], "default": null},
                  {"name": "topic", "type": ["null", "string"], "default": null}]}
                """);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataFileWriter<GenericRecord> file =
        new DataFileWriter<>(new GenericDatumWriter<GenericRecord>())) {
      file.setCodec(CodecFactory.fromString(codec)).create(schema, bytes);
      file.append(
          new GenericRecordBuilder(schema)
              .set("id", "p1")
              .set("prompt", "a \"red\" fox, running\nfast")
              .set("negative_prompt", "blurry")
              .set("seed", 4294967295L)
              .set("images", 2)
              .set("steps", 30)
              .set("guidance_scale", 5.5f)
              .set("width", 512)
              .set("height", 768)
              .set(
                  "scheduler",
                  new org.apache.avro.generic.GenericData.EnumSymbol(
                      schema.getField("scheduler").schema().getTypes().get(1), "ddim"))
              .set("score", 0.25)
              .set("topic", "animals")
              .build());
      file.append(
          new GenericRecordBuilder(schema).set("id", "p2").set("prompt", "ein Käfer 🐞").build());
      file.append(
          new GenericRecordBuilder(schema)
              .set("id", "p3")
              .set("prompt", "an owl\tat night")
              .set("seed", 7L)
              .set("guidance_scale", 7f)
              .set("score", 100000.0)
              .set("topic", "x")
              .build());
      file.append(
          new GenericRecordBuilder(schema)
              .set("id", "p4")
              .set("prompt", "a hen")
              .set("width", 100)
              .build());
      file.append(new GenericRecordBuilder(schema).set("id", "p5").set("prompt", " ").build());
    }
    return bytes.toByteArray();
  }
}
