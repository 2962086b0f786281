package io.shardlight.diffusion.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.diffusion.model.ClipPreprocessorConfig;
import io.shardlight.diffusion.model.UnsupportedConfigException;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpzArchive;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Against Pillow and transformers, whose bytes are made by tests/fixtures/golden. */
class ClipImageProcessorTest {
  private static final List<Double> MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
  private static final List<Double> DEVIATION = List.of(0.26862954, 0.26130258, 0.27577711);

  private static final NpzArchive BYTES = Golden.archive("pillow/bicubic.npz");

  static List<String> cases() {
    List<String> ids = new ArrayList<>();
    Golden.json("pillow/bicubic.json").get("cases").forEach(c -> ids.add(c.get("id").asText()));
    assertThat(ids).hasSize(29);
    return ids;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void makesTheBytesThatPillowMakes(String id) throws Exception {
    JsonNode golden = find(id);
    int width = golden.get("width").asInt();
    int height = golden.get("height").asInt();
    byte[] rgb = draw(golden.get("kind").asText(), width, height);

    byte[] made =
        golden.get("step").asText().equals("resize")
            ? PillowBicubic.resize(
                rgb,
                width,
                height,
                golden.get("new_width").asInt(),
                golden.get("new_height").asInt())
            : processor(golden.get("edge").asInt(), golden.get("side").asInt())
                .crop(rgb, width, height);

    if (BYTES.names().contains(id)) {
      assertThat(made).isEqualTo(BYTES.array(id).bytes());
    }
    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(made)))
        .isEqualTo(golden.get("sha256").asText());
  }

  private static JsonNode find(String id) {
    for (JsonNode golden : Golden.json("pillow/bicubic.json").get("cases")) {
      if (golden.get("id").asText().equals(id)) {
        return golden;
      }
    }
    throw new AssertionError("no case " + id);
  }

  /** The formula of pillow_bicubic.py. */
  private static byte[] draw(String kind, int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    int state = 12345;
    for (int i = 0; i < rgb.length; i++) {
      state = 1664525 * state + 1013904223;
      int x = i / 3 % width;
      int y = i / 3 / width;
      rgb[i] =
          (byte)
              switch (kind) {
                case "noise" -> state >>> 24;
                case "stripes" -> x % 7 < 3 ? 255 : 0;
                case "white" -> 255;
                case "ramp" -> x + 2 * y + 50 * (i % 3);
                default -> throw new AssertionError(kind);
              };
    }
    return rgb;
  }

  private static ClipImageProcessor processor(int edge, int side) {
    return new ClipImageProcessor(new ClipPreprocessorConfig(edge, side, MEAN, DEVIATION));
  }

  @Test
  void pixelValuesEqualTransformers() throws Exception {
    ClipImageProcessor processor = processor(32, 32);
    NpzArchive images = Golden.archive("tiny/e2e.npz");
    float[] golden = Golden.array("tiny/safety_pixel_values.npy").floats();
    JsonNode cases = Golden.json("tiny/e2e.json");
    int length = golden.length / 8;
    for (int i = 0; i < 8; i++) {
      JsonNode drawn = cases.get(i);
      byte[] rgb = images.array(drawn.get("id").asText() + "/image_u8").bytes();

      float[] values = processor.process(rgb, drawn.get("w").asInt(), drawn.get("h").asInt());

      assertThat(values).hasSize(length);
      for (int k = 0; k < length; k++) {
        // A level of 255 is 0.0146 and more: no pixel is another.
        assertThat(Math.abs(values[k] - golden[i * length + k])).isLessThan(1e-6f);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'{}', 224, 224",
    "'{\"size\": 32, \"crop_size\": 30}', 32, 30",
    "'{\"size\": {\"shortest_edge\": 40}, \"crop_size\": {\"height\": 30, \"width\": 30}}', 40, 30",
    "'{\"feature_extractor_type\": \"CLIPFeatureExtractor\", \"do_convert_rgb\": true}', 224, 224",
    "'{\"image_processor_type\": \"CLIPImageProcessor\", \"rescale_factor\": 0.00392156862745098}',"
        + " 224, 224",
  })
  void readsFilesOfOldAndNewReleases(String json, int edge, int side) throws Exception {
    assertThat(read(json)).isEqualTo(new ClipPreprocessorConfig(edge, side, MEAN, DEVIATION));
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"feature_extractor_type\": \"ViTFeatureExtractor\"}', CLIPImageProcessor",
    "'{\"image_processor_type\": \"SiglipImageProcessor\"}', CLIPImageProcessor",
    "'{\"resample\": 2}', 3",
    "'{\"do_resize\": false}', true",
    "'{\"do_center_crop\": false}', true",
    "'{\"do_rescale\": false}', true",
    "'{\"do_normalize\": false}', true",
    "'{\"rescale_factor\": 1}', 0.00392156862745098",
    "'{\"size\": {\"height\": 224, \"width\": 224}}', shortest_edge",
    "'{\"crop_size\": {\"height\": 224, \"width\": 200}}', height and width",
    "'{\"crop_size\": {\"height\": 224}}', height and width",
    "'{\"size\": 200}', 200",
    "'{\"image_mean\": [0.5]}', a list of 3 numbers",
    "'{\"image_std\": [0.5, 0.5, 0]}', image_std must not hold 0",
  })
  void refusesWhatIsNotComputedHere(String json, String wanted) {
    assertThatThrownBy(() -> read(json))
        .isInstanceOf(UnsupportedConfigException.class)
        .hasMessageContainingAll("feature_extractor/preprocessor_config.json", wanted);
  }

  @Test
  void everyNumberOfTheFileCounts() throws Exception {
    byte[] white = {(byte) 255, (byte) 255, (byte) 255};
    String json =
        "{\"size\": 1, \"crop_size\": 1, \"image_mean\": [0, 0.5, 0.25], \"image_std\": [1, 0.5,"
            + " 2]}";

    assertThat(new ClipImageProcessor(read(json)).process(white, 1, 1))
        .containsExactly(1f, 1f, 0.375f);
  }

  private static ClipPreprocessorConfig read(String json) throws JsonProcessingException {
    return ClipPreprocessorConfig.read(new ObjectMapper().readTree(json));
  }
}
