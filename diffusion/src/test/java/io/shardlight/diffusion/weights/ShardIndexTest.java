package io.shardlight.diffusion.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ShardIndexTest {
  private static final String WHOLE =
      """
      {"metadata": {"total_size": 20}, "weight_map":
        {"a": "x-00001-of-00002.safetensors", "b": "x-00002-of-00002.safetensors",
         "c": "x-00001-of-00002.safetensors"}}
      """;

  private final Path folder;
  private final Path index;

  ShardIndexTest(@TempDir Path folder) {
    this.folder = folder;
    this.index = folder.resolve("x.safetensors.index.json");
  }

  @BeforeEach
  void write() throws IOException {
    new SafetensorsFile()
        .with("c", 7, 1)
        .withRamp("a", 1, 1, 2)
        .write(folder.resolve("x-00001-of-00002.safetensors"));
    new SafetensorsFile()
        .withRamp("b", 5, 1, 2)
        .write(folder.resolve("x-00002-of-00002.safetensors"));
    Files.writeString(index, WHOLE);
  }

  @Test
  void tensorsAreReadWhereTheyLie() throws IOException {
    Weights weights = Weights.open(index);

    assertThat(weights.names()).containsExactly("a", "b", "c");
    assertThat(values(weights, "a", 2)).containsExactly(1, 2);
    assertThat(values(weights, "b", 2)).containsExactly(5, 6);
    assertThat(values(weights, "c", 1)).containsExactly(7);
    assertThat(weights.get("b").region().orElseThrow().file())
        .isEqualTo(folder.resolve("x-00002-of-00002.safetensors"));
  }

  @Test
  void whatDiffusersSplitIsTheWholeUnet() throws IOException {
    ModelDirectory model = ModelDirectory.open(TinyModels.stableDiffusion2());
    Weights unet = model.weights("unet");

    assertThat(unet.file().getFileName())
        .hasToString("diffusion_pytorch_model.safetensors.index.json");
    assertThat(unet.names())
        .hasSize(208)
        .contains("conv_in.weight", "mid_block.attentions.0.proj_in.weight");
    assertThat(unet.names().stream().map(n -> unet.get(n).region().orElseThrow().file()).distinct())
        .hasSize(4);
  }

  @Test
  void fingerprintFollowsEveryShard() throws IOException {
    String before = Weights.open(index).fingerprint();
    for (Path file :
        new Path[] {
          index,
          folder.resolve("x-00001-of-00002.safetensors"),
          folder.resolve("x-00002-of-00002.safetensors")
        }) {
      FileTime time = Files.getLastModifiedTime(file);
      Files.setLastModifiedTime(file, FileTime.from(1_700_000_000_123L, TimeUnit.MILLISECONDS));
      assertThat(Weights.open(index).fingerprint()).as("%s", file).isNotEqualTo(before);
      Files.setLastModifiedTime(file, time);
    }
    assertThat(Weights.open(index).fingerprint()).isEqualTo(before);
  }

  @Test
  void identityOfAModelHoldsEveryShard() throws IOException {
    Path model = folder.resolve("model");
    try (Stream<Path> tree = Files.walk(TinyModels.stableDiffusion2())) {
      for (Path from : tree.filter(Files::isRegularFile).toList()) {
        Path to = model.resolve(TinyModels.stableDiffusion2().relativize(from).toString());
        Files.createDirectories(to.getParent());
        Files.copy(from, to);
      }
    }
    String before = ModelDirectory.open(model).sha256();
    assertThat(before).isEqualTo(ModelDirectory.open(TinyModels.stableDiffusion2()).sha256());
    Path shard = model.resolve("unet/diffusion_pytorch_model-00003-of-00004.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 1] ^= 1;
    Files.write(shard, bytes);

    assertThat(ModelDirectory.open(model).sha256()).isNotEqualTo(before);
  }

  @Test
  void missingShardsAreNamed() throws IOException {
    Files.delete(folder.resolve("x-00002-of-00002.safetensors"));

    rejects("files that the index names are missing: x-00002-of-00002.safetensors; download");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"../x-00001-of-00002.safetensors\"",
        "\"..\"",
        "\"..safetensors\"",
        "\"/etc/x.safetensors\"",
        "\"sub/x.safetensors\"",
        "\"sub\\\\x.safetensors\"",
        "\"x.bin\"",
        "\"a\\u0000.safetensors\"",
        "\"\"",
        "7",
        "null",
        "[\"x-00001-of-00002.safetensors\"]",
      })
  void namesOfAnythingButNeighboursAreRefused(String name) throws IOException {
    Files.writeString(index, "{\"weight_map\": {\"a\": " + name + "}}");

    rejects("tensor \"a\" must be in a .safetensors file beside the index, but is in");
  }

  @Test
  void tensorInTwoShardsIsRefused() throws IOException {
    new SafetensorsFile()
        .withRamp("b", 5, 1, 2)
        .with("c", 9, 1)
        .write(folder.resolve("x-00002-of-00002.safetensors"));

    rejects(
        "x-00002-of-00002.safetensors holds \"c\", which the index puts in"
            + " x-00001-of-00002.safetensors");
  }

  @Test
  void tensorThatIsNotListedIsRefused() throws IOException {
    new SafetensorsFile()
        .withRamp("b", 5, 1, 2)
        .with("d", 9, 1)
        .write(folder.resolve("x-00002-of-00002.safetensors"));

    rejects("x-00002-of-00002.safetensors holds \"d\", which the index does not list");
  }

  @Test
  void tensorThatIsNotThereIsRefused() throws IOException {
    Files.writeString(
        index, WHOLE.replace("\"c\":", "\"d\": \"x-00002-of-00002.safetensors\", \"c\":"));

    rejects("tensor \"d\" must be in x-00002-of-00002.safetensors, but is not");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "24     | metadata.total_size is 24, but the files hold 20 bytes of tensors",
        "16     | metadata.total_size is 16, but the files hold 20 bytes of tensors",
        "-20    | metadata.total_size must be a number of bytes, but is -20",
        "1e300  | metadata.total_size must be a number of bytes, but is 1.0E300",
        "\"20\" | metadata.total_size must be a number of bytes, but is \"20\"",
      })
  void sizesThatLieAreRefused(String total, String message) throws IOException {
    Files.writeString(index, WHOLE.replace(": 20}", ": " + total + "}"));

    rejects(message);
  }

  @Test
  void sizeNeedNotBeTold() throws IOException {
    Files.writeString(index, WHOLE.replace("\"total_size\": 20", ""));

    assertThat(Weights.open(index).names()).hasSize(3);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}                       | must have a \"weight_map\"",
        "{\"weight_map\": {}}     | must have a \"weight_map\"",
        "{\"weight_map\": []}     | must have a \"weight_map\"",
        "[]                       | must have a \"weight_map\"",
        "{\"weight_map\": {\"a\":  | not proper JSON",
        "{\"weight_map\": {\"a\": \"x.safetensors\", \"a\": \"y.safetensors\"}} | Duplicate field"
            + " 'a'",
        "{\"weight_map\": {\"a\": \"x.safetensors\"}} {}                        | not proper JSON",
      })
  void whatIsNoIndexIsRefused(String json, String message) throws IOException {
    Files.writeString(index, json);

    rejects(message);
  }

  @Test
  void cutShardIsRefused() throws IOException {
    Path shard = folder.resolve("x-00001-of-00002.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    Files.write(shard, java.util.Arrays.copyOf(bytes, bytes.length - 1));

    assertThatThrownBy(() -> Weights.open(index))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(shard + ", byte ");
  }

  private void rejects(String message) {
    assertThatThrownBy(() -> Weights.open(index))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(index + ", byte 0: ")
        .hasMessageContaining(message);
  }

  private static float[] values(Weights weights, String name, int count) {
    FloatBuffer target = FloatBuffer.allocate(count);
    weights.get(name).read(0, target);
    return target.array();
  }
}
