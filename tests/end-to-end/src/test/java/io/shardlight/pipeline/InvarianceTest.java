package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An image is a function of its prompt, parameters and seed: real networks draw the same bytes, and
 * the dataset around them is the same, however the work is spread.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class InvarianceTest {
  private Path directory;
  private Path prompts;
  private SortedMap<String, byte[]> reference;

  @BeforeAll
  void drawOnOneDevice(@TempDir Path temporary) throws IOException {
    directory = temporary;
    // Several shapes, an odd count of images in each, several shards.
    prompts = directory.resolve("prompts.jsonl");
    Files.writeString(
        prompts,
        """
        {"prompt": "a photo of an astronaut riding a horse on mars", "images": 4}
        {"prompt": "labrador in the style of vermeer", "guidance_scale": 1.0, "images": 3}
        {"prompt": "a cozy cabin in the mountains during winter", "width": 192, "images": 3}
        {"prompt": "an oil painting of a medieval castle", "seed": 4294967295, "images": 2}
        {"prompt": "a quiet harbour", "negative_prompt": "boats", "scheduler": "ddim"}
        {"prompt": "a lighthouse at dawn", "scheduler": "euler_a", "images": 3}
        """);
    reference = draw("reference", 1, 1, 1);
    assertThat(reference.keySet().stream().filter(name -> name.startsWith("images/")))
        .hasSizeGreaterThan(3)
        .allMatch(name -> name.endsWith(".tar"));
    assertThat(reference.keySet().stream().filter(name -> name.startsWith("manifest/")))
        .hasSizeGreaterThan(3);
  }

  @ParameterizedTest(name = "{0} devices, {1} images each, {2} pipeline threads")
  @CsvSource({"8, 1, 1", "1, 3, 1", "1, 1, 4", "8, 3, 4", "3, 2, 2"})
  void spreadingTheWorkChangesNoByte(int devices, int batchPerDevice, int targetParallelism) {
    String name = devices + "-" + batchPerDevice + "-" + targetParallelism;
    SortedMap<String, byte[]> spread = draw(name, devices, batchPerDevice, targetParallelism);
    assertThat(spread.keySet()).isEqualTo(reference.keySet());
    assertThat(spread)
        .allSatisfy((file, bytes) -> assertThat(bytes).as(file).isEqualTo(reference.get(file)));
  }

  private SortedMap<String, byte[]> draw(
      String name, int devices, int batchPerDevice, int targetParallelism) {
    Path output = directory.resolve(name);
    Launch launch =
        Launch.of(
            directory.resolve("cache"),
            "generate",
            "--input=" + prompts,
            "--output=" + output,
            "--model=" + TinyModels.torch(),
            "--steps=3",
            "--shardSize=3",
            "--devices=" + devices,
            "--batchPerDevice=" + batchPerDevice,
            "--targetParallelism=" + targetParallelism);
    assertThat(launch.status()).as(launch.err()).isZero();
    return Launch.contents(output);
  }
}
