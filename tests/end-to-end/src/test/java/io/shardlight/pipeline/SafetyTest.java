package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.fixtures.TinyModels;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The command with the tiny model, whose checker's thresholds are lowered so that it finds some.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SafetyTest {
  /** At which some images are flagged and others are not. */
  private static final float SHIFT = 0.16f;

  private Path directory;
  private Path model;
  private Path prompts;

  /** Drawn on one device and marked, by example. */
  private Map<String, JsonNode> marked = Map.of();

  @BeforeAll
  void markOnOneDevice(@TempDir Path temporary) throws IOException {
    directory = temporary;
    model = TinyModels.torchWithThresholdsLowered(directory.resolve("model"), SHIFT);
    prompts =
        Files.writeString(
            directory.resolve("prompts.jsonl"),
            """
            {"prompt": "a photo of an astronaut riding a horse on mars", "images": 3}
            {"prompt": "labrador in the style of vermeer", "guidance_scale": 1.0, "images": 2}
            {"prompt": "a cozy cabin in the mountains during winter", "width": 96, "images": 2}
            """);
    Path output = draw("reference", "files", 1);
    marked = rows(output);
    assertThat(marked).hasSize(7);
    assertThat(marked.values().stream().filter(row -> row.get("nsfw").asBoolean()))
        .hasSizeBetween(1, 6);
    marked
        .values()
        .forEach(
            row ->
                assertThat(row.get("nsfw").asBoolean())
                    .isEqualTo(row.get("nsfw_score").asDouble() > 0));
  }

  private Path draw(String name, String layout, int devices, String... more) {
    Path output = directory.resolve(name);
    List<String> words =
        new ArrayList<>(
            List.of(
                "generate",
                "--input=" + prompts,
                "--output=" + output,
                "--model=" + model,
                "--layout=" + layout,
                "--manifestFormat=jsonl,avro",
                "--width=64",
                "--height=64",
                "--steps=2",
                "--shardSize=3",
                "--devices=" + devices));
    words.addAll(List.of(more));
    Launch launch = Launch.of(directory.resolve("cache"), words.toArray(new String[0]));
    assertThat(launch.status()).as(launch.err()).isZero();
    return output;
  }

  private static Map<String, JsonNode> rows(Path output) throws IOException {
    Map<String, JsonNode> rows = new TreeMap<>();
    try (Stream<Path> files = Files.list(output.resolve("manifest"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".jsonl")).toList()) {
        for (String line : Files.readAllLines(file, UTF_8)) {
          JsonNode row = new ObjectMapper().readTree(line);
          rows.put(row.get("prompt").asText() + row.get("image_index"), row);
        }
      }
    }
    return rows;
  }

  private JsonNode marked(String name) {
    return Objects.requireNonNull(marked.get(name));
  }

  private static boolean isBlack(Path image) throws IOException {
    BufferedImage picture = ImageIO.read(image.toFile());
    int[] pixels =
        picture.getRGB(0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth());
    return Arrays.stream(pixels).allMatch(pixel -> (pixel & 0xffffff) == 0);
  }

  @ParameterizedTest
  @CsvSource({"mark, 3", "blank, 8", "drop, 1", "off, 3"})
  void whatIsFlaggedIsMarkedBlankedDroppedOrNotLookedAt(String policy, int devices)
      throws IOException {
    Path output = draw(policy, "files", devices, "--safety=" + policy);

    Map<String, JsonNode> rows = rows(output);
    assertThat(rows.keySet()).isEqualTo(marked.keySet());
    rows.forEach(
        (name, row) -> {
          boolean flagged = marked(name).get("nsfw").asBoolean();
          boolean dropped = flagged && policy.equals("drop");
          boolean blanked = flagged && policy.equals("blank");
          assertThat(row.get("status").asText()).isEqualTo(dropped ? "blocked" : "ok");
          assertThat(row.get("file_name").isNull()).isEqualTo(dropped);
          if (policy.equals("off")) {
            assertThat(row.get("nsfw").isNull()).isTrue();
            assertThat(row.get("nsfw_score").isNull()).isTrue();
          } else {
            assertThat(row.get("nsfw")).isEqualTo(marked(name).get("nsfw"));
            assertThat(row.get("nsfw_score")).isEqualTo(marked(name).get("nsfw_score"));
          }
          if (!dropped && !blanked && !policy.equals("blank")) {
            assertThat(row.get("sha256")).isEqualTo(marked(name).get("sha256"));
          }
        });
    for (Map.Entry<String, JsonNode> row : rows.entrySet()) {
      if (!row.getValue().get("file_name").isNull()) {
        assertThat(isBlack(output.resolve(row.getValue().get("file_name").asText())))
            .isEqualTo(policy.equals("blank") && marked(row.getKey()).get("nsfw").asBoolean());
      }
    }
    Launch verified = Launch.of(directory.resolve("cache"), "verify", output.toString());
    assertThat(verified.status()).as(verified.out()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"files", "webdataset"})
  void theNumberOfDevicesChangesNoByte(String layout) {
    SortedMap<String, byte[]> one =
        Launch.contents(draw("1-" + layout, layout, 1, "--safety=drop"));
    for (int devices : new int[] {3, 8}) {
      SortedMap<String, byte[]> many =
          Launch.contents(draw(devices + "-" + layout, layout, devices, "--safety=drop"));
      assertThat(many.keySet()).isEqualTo(one.keySet());
      assertThat(many)
          .allSatisfy((file, bytes) -> assertThat(bytes).as(file).isEqualTo(one.get(file)));
    }
  }

  /** Without check a model is the same with and without the files of its checker. */
  @Test
  void aModelWhoseCheckerIsGoneDrawsTheSameWithoutCheckAndSaysSo(@TempDir Path temporary)
      throws IOException {
    Path bare = temporary.resolve("model");
    TinyModels.copy(model, bare);
    for (String file : List.of("config.json", "model.safetensors", "model.fp16.safetensors")) {
      Files.delete(bare.resolve("safety_checker").resolve(file));
    }
    String[] words = {
      "generate",
      "--input=" + prompts,
      "--output=" + temporary.resolve("out"),
      "--model=" + bare,
      "--width=64",
      "--height=64",
      "--steps=2",
      "--shardSize=3",
      "--layout=files",
      "--manifestFormat=jsonl,avro"
    };
    Launch refused = Launch.of(directory.resolve("cache"), words);
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains("--model=" + bare + ": safety_checker/config.json is missing")
        .contains("or draw without the check, by --safety=off");
    assertThat(temporary.resolve("out")).doesNotExist();

    String[] off = Arrays.copyOf(words, words.length + 1);
    off[words.length] = "--safety=off";
    Launch drawn = Launch.of(directory.resolve("cache"), off);
    assertThat(drawn.status()).as(drawn.err()).isZero();

    SortedMap<String, byte[]> with = Launch.contents(draw("with", "files", 2, "--safety=off"));
    assertThat(Launch.contents(temporary.resolve("out")))
        .allSatisfy((file, bytes) -> assertThat(bytes).as(file).isEqualTo(with.get(file)));
  }

  @Test
  void aCheckerOfAnotherKindIsRefused(@TempDir Path temporary) throws IOException {
    TinyModels.copy(TinyModels.torch(), temporary.resolve("model"));
    Path config = temporary.resolve("model/safety_checker/config.json");
    Files.writeString(
        config, Files.readString(config).replace("StableDiffusionSafetyChecker", "SiglipModel"));

    Launch refused =
        Launch.of(
            directory.resolve("cache"),
            "plan",
            "--input=" + prompts,
            "--output=" + temporary.resolve("out"),
            "--safety=mark",
            "--model=" + temporary.resolve("model"));

    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err())
        .contains("safety_checker/config.json: \"architectures\" is [\"SiglipModel\"]")
        .contains("--safety=off");
  }
}
