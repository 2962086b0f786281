package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.safety.SafetyScore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ManifestFileTest {
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

  @ParameterizedTest
  @EnumSource
  void rowsComeBackInOrder(ManifestFormat format) throws Exception {
    List<GenericRecord> read = read(format, ManifestFile.write(format, 3, rows(), SETTINGS));

    assertThat(read).hasSize(2);
    assertThat(read.get(0).get("shard")).isEqualTo(3);
    assertThat(read.get(0).get("seed")).isEqualTo(4294967295L);
    assertThat(read.get(0).get("guidance_scale")).isEqualTo(7.5f);
    assertThat(read.get(0).get("crc32c")).hasToString("e3069283");
    assertThat(read.get(0).get("prompt_truncated")).isEqualTo(false);
    assertThat(new TreeMap<>((Map<?, ?>) read.get(0).get("carried")))
        .hasToString("{empty=, topic=animals}");
    assertThat(read.get(1).get("status")).hasToString("failed");
    assertThat(read.get(1).get("error_class")).hasToString("java.lang.ArithmeticException");
    assertThat(read.get(1).get("file_name")).isNull();
  }

  @ParameterizedTest
  @EnumSource
  void theSameRowsGiveTheSameBytes(ManifestFormat format) {
    assertThat(ManifestFile.write(format, 3, rows(), SETTINGS))
        .isEqualTo(ManifestFile.write(format, 3, rows(), SETTINGS));
  }

  @Test
  void avroFilesOfOtherShardsHaveOtherMarks() {
    assertThat(ManifestFile.write(ManifestFormat.AVRO, 4, List.of(), SETTINGS))
        .isNotEqualTo(ManifestFile.write(ManifestFormat.AVRO, 3, List.of(), SETTINGS));
  }

  @Test
  void allFormatsHoldTheSameRows() throws Exception {
    // So many and so long that Parquet gives up its dictionaries and begins new pages.
    List<ManifestRow> rows = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      String text = i % 7 == 0 ? "" : "猫 \ud83e\udd8a \"quoted\"\n\u0001 " + i;
      PromptSource source = new PromptSource("p.jsonl", i + 1);
      Map<String, String> carried = i % 3 == 0 ? Map.of() : Map.of("n", text, "ü", "" + i);
      String prompt = "prompt " + i + " " + "long ".repeat(i % 100 == 0 ? 4000 : 20) + text;
      for (Example example :
          ExamplePlannerTest.plan(
              SETTINGS, new Prompt(source, "p" + i, prompt, Overrides.NONE, carried))) {
        rows.add(
            i % 11 == 0
                ? ManifestRow.failed(example, new ArithmeticException())
                : ManifestRow.ok(
                    example,
                    StoredObject.of("images/" + i, prompt.getBytes(UTF_8)),
                    i % 2 == 0,
                    i % 3 == 0 ? Optional.empty() : Optional.of(new SafetyScore(i % 5 - 2.125))));
      }
    }
    List<ObjectNode> avro = json(ManifestFormat.AVRO, rows);

    assertThat(avro).hasSize(3000);
    assertThat(json(ManifestFormat.PARQUET, rows)).containsExactlyElementsOf(avro);
    assertThat(json(ManifestFormat.JSONL, rows)).containsExactlyElementsOf(avro);
    assertThat(json(ManifestFormat.PARQUET, List.of())).isEmpty();
  }

  private static List<ObjectNode> json(ManifestFormat format, List<ManifestRow> rows)
      throws IOException {
    return read(format, ManifestFile.write(format, 0, rows, SETTINGS)).stream()
        .map(ManifestJson::of)
        .toList();
  }

  private static List<GenericRecord> read(ManifestFormat format, byte[] file) throws IOException {
    List<GenericRecord> rows = new ArrayList<>();
    ManifestFile.read(DatasetPaths.manifest(0, format), file, rows::add);
    return rows;
  }

  @Test
  void linesAreCanonicalJsonWithEveryColumn() {
    String[] lines =
        new String(ManifestFile.write(ManifestFormat.JSONL, 3, rows(), SETTINGS), UTF_8)
            .split("\n");

    assertThat(lines).hasSize(2);
    assertThat(lines[0]).startsWith("{\"bytes\":9,\"carried\":{\"empty\":\"\",\"topic\":");
    assertThat(lines[1]).contains("\"file_name\":null").contains("\"guidance_scale\":7.5,");
  }

  @ParameterizedTest
  @EnumSource
  void aFileThatIsCutOffIsNotTakenForWhole(ManifestFormat format) {
    byte[] whole = ManifestFile.write(format, 3, rows(), SETTINGS);
    for (int length = whole.length - 2; length > 0; length -= 1 + whole.length / 50) {
      List<GenericRecord> rows;
      try {
        rows = read(format, Arrays.copyOf(whole, length));
      } catch (IOException e) {
        continue;
      }
      // A line or a block may end just there; then the marker's hash tells that rows are missing.
      assertThat(rows).hasSizeLessThan(2);
      assertThat(format).isNotEqualTo(ManifestFormat.PARQUET);
    }
  }

  /** Whatever the decoders throw at it: readers are told that the file is damaged. */
  @ParameterizedTest
  @EnumSource
  void aWrongBitIsAnotherRowOrAnIoException(ManifestFormat format) {
    byte[] whole = ManifestFile.write(format, 3, rows(), SETTINGS);
    int damaged = 0;
    for (int at = 0; at < whole.length; at += 1 + whole.length / 500) {
      byte[] bytes = whole.clone();
      bytes[at] = (byte) (bytes[at] ^ 1 << (at % 8));
      try {
        read(format, bytes);
      } catch (IOException e) {
        damaged++;
      }
    }
    assertThat(damaged).isPositive();
  }

  /** What the taker of rows throws is its own affair. */
  @ParameterizedTest
  @EnumSource
  void aTakersFaultIsNotTheFiles(ManifestFormat format) {
    byte[] whole = ManifestFile.write(format, 3, rows(), SETTINGS);
    IllegalStateException fault = new IllegalStateException("of the taker");

    assertThatThrownBy(
            () ->
                ManifestFile.read(
                    DatasetPaths.manifest(0, format),
                    whole,
                    row -> {
                      throw fault;
                    }))
        .isSameAs(fault);
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
                Map.of("topic", "animals", "empty", "")));
    return List.of(
        // The check value of CRC-32C is that of these nine digits.
        ManifestRow.ok(
            examples.get(0),
            StoredObject.of("images/x.png", "123456789".getBytes(StandardCharsets.US_ASCII)),
            false,
            Optional.empty()),
        ManifestRow.failed(examples.get(1), new ArithmeticException()));
  }
}
