package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.file.DataFileStream;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;

class AvroManifestTest {
  private static final GenerationSettings SETTINGS = TestSettings.builder().build();

  @Test
  void columnsAreThoseOfTheContractInItsOrder() {
    assertThat(AvroManifest.SCHEMA.getFields())
        .extracting(Schema.Field::name)
        .containsExactly(
            ("example_id, key, shard, file_name, status, error_class, prompt, negative_prompt,"
                    + " prompt_id, source_file, source_line, image_index, seed, scheduler, steps,"
                    + " guidance_scale, width, height, format, bytes, sha256, crc32c, model_id,"
                    + " model_revision, model_sha256, dtype, engine, device_kind, nsfw, nsfw_score,"
                    + " prompt_truncated, digital_source_type, license, config_fingerprint,"
                    + " pipeline_version, carried")
                .split(", "));
  }

  @Test
  void rowsComeBackInOrder() throws Exception {
    byte[] bytes = AvroManifest.write(3, rows(), SETTINGS);

    List<GenericRecord> read = new ArrayList<>();
    try (DataFileStream<GenericRecord> stream =
        AvroManifest.read(new ByteArrayInputStream(bytes))) {
      stream.forEach(read::add);
    }

    assertThat(read).hasSize(2);
    assertThat(read.get(0).get("shard")).isEqualTo(3);
    assertThat(read.get(0).get("seed")).isEqualTo(4294967295L);
    assertThat(read.get(0).get("crc32c")).hasToString("e3069283");
    assertThat(read.get(0).get("carried")).hasToString("{topic=animals}");
    assertThat(read.get(1).get("status")).hasToString("failed");
    assertThat(read.get(1).get("error_class")).hasToString("java.lang.ArithmeticException");
    assertThat(read.get(1).get("file_name")).isNull();
  }

  @Test
  void theSameRowsGiveTheSameBytesAndOtherShardsOtherMarks() {
    byte[] bytes = AvroManifest.write(3, rows(), SETTINGS);

    assertThat(AvroManifest.write(3, rows(), SETTINGS)).isEqualTo(bytes);
    assertThat(AvroManifest.write(4, List.of(), SETTINGS))
        .isNotEqualTo(AvroManifest.write(3, List.of(), SETTINGS));
  }

  private static List<ManifestRow> rows() {
    PromptSource source = new PromptSource("/in/p.jsonl", 1);
    List<Example> examples =
        ExamplePlannerTest.plan(
            SETTINGS,
            new Prompt(
                source,
                "p.jsonl:1",
                "a fox",
                new OverridesBuilder().seed(Seeds.MAX).images(2).build(),
                Map.of("topic", "animals")));
    return List.of(
        // The check value of CRC-32C is that of these nine digits.
        ManifestRow.ok(
            examples.get(0),
            StoredObject.of(
                "images/x.png", "123456789".getBytes(java.nio.charset.StandardCharsets.US_ASCII)),
            false),
        ManifestRow.failed(examples.get(1), new ArithmeticException()));
  }
}
