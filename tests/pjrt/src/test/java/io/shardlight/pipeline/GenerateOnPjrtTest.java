package io.shardlight.pipeline;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.engines.pjrt.client.CpuPlugin;
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
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** The command, in a process of its own, with engine PJRT and the demo model. */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class GenerateOnPjrtTest {
  private static final String PLUGIN = CpuPlugin.library().toString();
  private static final Path PROMPTS = Path.of("../../examples/prompts.txt");

  private final Path directory;

  GenerateOnPjrtTest(@TempDir Path directory) {
    this.directory = directory;
  }

  private record Ended(int status, String output) {}

  private Ended run(String... options) throws IOException, InterruptedException {
    return runWith("", options);
  }

  /**
   * @param clientOptions of the plugin's client
   */
  private Ended runWith(String clientOptions, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(List.of("-XX:+UseSerialGC", "-Xmx512m"));
    command.add("-Dshardlight.pjrt.options=" + clientOptions);
    command.add(Shardlight.class.getName());
    command.addAll(List.of(options));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // Behind -cp ONNX Runtime would see it, and overflow its stack.
    builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
    builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
    Path output = directory.resolve("output.txt");
    Process process = builder.redirectOutput(output.toFile()).start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("ended in time").isTrue();
    return new Ended(process.exitValue(), Files.readString(output));
  }

  private Path generate(String name, String... more) throws IOException, InterruptedException {
    Path dataset = directory.resolve(name);
    List<String> options =
        new ArrayList<>(
            List.of(
                "generate",
                "--input=" + PROMPTS,
                "--output=" + dataset,
                "--layout=files",
                "--steps=10"));
    options.addAll(List.of(more));
    Ended ended = run(options.toArray(new String[0]));
    assertThat(ended.status()).as(ended.output()).isZero();
    return dataset;
  }

  /** By path, what a dataset says of its images: these, the manifest and the sidecar. */
  private static Map<String, byte[]> content(Path dataset) throws IOException {
    Map<String, byte[]> content = new TreeMap<>();
    for (String part : List.of("images", "manifest", "metadata.jsonl")) {
      try (Stream<Path> files = Files.walk(dataset.resolve(part))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          content.put(dataset.relativize(file).toString(), Files.readAllBytes(file));
        }
      }
    }
    return content;
  }

  private static Map<String, BufferedImage> imagesByPrompt(Path dataset) throws IOException {
    Map<String, BufferedImage> images = new TreeMap<>();
    for (String line : Files.readAllLines(dataset.resolve("metadata.jsonl"), UTF_8)) {
      JsonNode row = new ObjectMapper().readTree(line);
      images.put(
          row.get("text").asText(),
          ImageIO.read(dataset.resolve(row.get("file_name").asText()).toFile()));
    }
    return images;
  }

  private static int largestDifference(BufferedImage first, BufferedImage second) {
    assertThat(first.getWidth()).isEqualTo(second.getWidth());
    int largest = 0;
    for (int y = 0; y < first.getHeight(); y++) {
      for (int x = 0; x < first.getWidth(); x++) {
        for (int shift = 0; shift < 24; shift += 8) {
          int a = first.getRGB(x, y) >> shift & 0xff;
          int b = second.getRGB(x, y) >> shift & 0xff;
          largest = Math.max(largest, Math.abs(a - b));
        }
      }
    }
    return largest;
  }

  @Test
  void drawsTheExamplePromptsOnEightDevices() throws Exception {
    Path programs = directory.resolve("programs");
    Path eight =
        generate(
            "eight",
            "--engine=PJRT",
            "--pjrtPlugin=" + PLUGIN,
            "--devices=8",
            "--compileCache=" + programs);
    assertThat(programs).isDirectoryContaining("glob:**.pjrt");
    Path two = generate("two", "--pjrtPlugin=" + PLUGIN, "--devices=2");
    Path onnx = generate("onnx", "--engine=OnnxRuntime");

    Map<String, byte[]> expected = content(eight);
    Map<String, byte[]> others = content(two);
    assertThat(others.keySet()).isEqualTo(expected.keySet());
    others.forEach((path, bytes) -> assertThat(bytes).as(path).isEqualTo(expected.get(path)));

    Map<String, BufferedImage> drawn = imagesByPrompt(eight);
    Map<String, BufferedImage> byOnnx = imagesByPrompt(onnx);
    assertThat(drawn).hasSize(12);
    assertThat(byOnnx.keySet()).isEqualTo(drawn.keySet());
    drawn.forEach(
        (prompt, image) ->
            assertThat(largestDifference(image, Objects.requireNonNull(byOnnx.get(prompt))))
                .as("levels of %s", prompt)
                .isLessThanOrEqualTo(1));
  }

  private JsonNode report(Path dataset) throws IOException {
    try (Stream<Path> runs = Files.list(dataset.resolve("runs"))) {
      Path report =
          runs.map(run -> run.resolve("report.json"))
              .filter(Files::exists)
              .findFirst()
              .orElseThrow();
      return new ObjectMapper().readTree(report.toFile());
    }
  }

  /** The second launch fails. A runner of many workers would try again; this one is run again. */
  @Test
  void aLostDeviceEndsTheJobAndCostsNoImage() throws Exception {
    Path dataset = directory.resolve("lost");
    String[] command = {
      "generate",
      "--input=" + PROMPTS,
      "--output=" + dataset,
      "--layout=files",
      "--steps=2",
      "--shardSize=4",
      "--pjrtPlugin=" + PLUGIN,
      "--devices=4"
    };
    Ended first = runWith("fail_launch_id:2", command);
    Ended second = run(command);

    assertThat(first.status()).isEqualTo(1);
    assertThat(first.output())
        .contains("The devices are lost to this process's generator")
        .contains("failure injected by the option fail_launch_id on device 0")
        .contains("What was finished stays in");
    assertThat(second.status()).as(second.output()).isZero();
    assertThat(second.output()).contains("were already there");
    assertThat(imagesByPrompt(dataset)).hasSize(12);
  }

  /** Eight images are more than the device has room for; four are not. */
  @Test
  void aBatchThatIsTooLargeIsHalved() throws Exception {
    Path dataset = directory.resolve("halved");
    Ended ended =
        runWith(
            "memory_limit:21595260",
            "generate",
            "--input=" + PROMPTS,
            "--output=" + dataset,
            "--layout=files",
            "--steps=2",
            "--pjrtPlugin=" + PLUGIN,
            "--devices=1",
            "--batchPerDevice=8");

    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(imagesByPrompt(dataset)).hasSize(12);
    assertThat(report(dataset).get("oom_halvings").asInt()).isPositive();
  }

  private Map<String, JsonNode> rows(Path dataset) throws IOException {
    Map<String, JsonNode> rows = new TreeMap<>();
    for (String line : Files.readAllLines(dataset.resolve("manifest/00000.jsonl"), UTF_8)) {
      JsonNode row = new ObjectMapper().readTree(line);
      rows.put(row.get("prompt").asText(), row);
    }
    return rows;
  }

  /** The checker of the tiny model, with thresholds lowered so that it finds some. */
  @Test
  void theSafetyCheckerRunsOnTheDevices() throws Exception {
    Path model = TinyModels.torchWithThresholdsLowered(directory.resolve("model"), 0.16f);
    Path prompts = directory.resolve("few.txt");
    Files.write(prompts, List.of("a fox", "a cat", "a boat", "a harbour at night", "a red house"));
    Map<String, Map<String, JsonNode>> byPolicy = new TreeMap<>();
    for (String[] run :
        new String[][] {
          {"mark", "--devices=8"},
          {"blank", "--devices=1"},
          {"drop", "--devices=3"},
          {"off", "--devices=2"},
          {"onnx", "--engine=OnnxRuntime"}
        }) {
      List<String> options =
          new ArrayList<>(
              List.of(
                  "generate",
                  "--input=" + prompts,
                  "--output=" + directory.resolve(run[0]),
                  "--model=" + model,
                  "--layout=files",
                  "--manifestFormat=jsonl",
                  "--width=64",
                  "--height=64",
                  "--steps=2",
                  run[1]));
      if (!run[0].equals("onnx")) {
        options.addAll(List.of("--pjrtPlugin=" + PLUGIN, "--safety=" + run[0]));
      }
      Ended ended = run(options.toArray(new String[0]));
      assertThat(ended.status()).as(ended.output()).isZero();
      byPolicy.put(run[0], rows(directory.resolve(run[0])));
    }

    Map<String, JsonNode> marked = Objects.requireNonNull(byPolicy.get("mark"));
    assertThat(marked).hasSize(5);
    assertThat(marked.values().stream().filter(row -> row.get("nsfw").asBoolean()))
        .hasSizeBetween(1, 4);
    for (Map.Entry<String, JsonNode> entry : marked.entrySet()) {
      JsonNode mark = entry.getValue();
      JsonNode off = row(byPolicy.get("off"), entry.getKey());
      JsonNode blank = row(byPolicy.get("blank"), entry.getKey());
      JsonNode drop = row(byPolicy.get("drop"), entry.getKey());
      boolean flagged = mark.get("nsfw").asBoolean();
      assertThat(flagged).isEqualTo(mark.get("nsfw_score").asDouble() > 0);
      assertThat(off.get("nsfw").isNull()).isTrue();
      assertThat(off.get("sha256")).isEqualTo(mark.get("sha256"));
      for (JsonNode other : List.of(blank, drop)) {
        assertThat(other.get("nsfw_score")).isEqualTo(mark.get("nsfw_score"));
        assertThat(other.get("nsfw")).isEqualTo(mark.get("nsfw"));
      }
      assertThat(drop.get("status").asText()).isEqualTo(flagged ? "blocked" : "ok");
      assertThat(drop.get("sha256").isNull()).isEqualTo(flagged);
      assertThat(isBlack(directory.resolve("blank").resolve(blank.get("file_name").asText())))
          .isEqualTo(flagged);
      // Images differ by a level at most; so do scores, in the last of their three digits.
      assertThat(Math.abs(scoreOf(row(byPolicy.get("onnx"), entry.getKey())) - scoreOf(mark)))
          .isLessThanOrEqualTo(0.00201);
    }
  }

  private static JsonNode row(@Nullable Map<String, JsonNode> rows, String prompt) {
    return Objects.requireNonNull(Objects.requireNonNull(rows).get(prompt));
  }

  private static double scoreOf(JsonNode row) {
    return row.get("nsfw_score").asDouble();
  }

  private static boolean isBlack(Path image) throws IOException {
    BufferedImage picture = ImageIO.read(image.toFile());
    int[] pixels =
        picture.getRGB(0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth());
    return Arrays.stream(pixels).allMatch(pixel -> (pixel & 0xffffff) == 0);
  }

  @Test
  void devicesTellsWhatAPluginHas() throws Exception {
    Ended ended = runWith("memory_limit:1610612736", "devices", "--pjrtPlugin=" + PLUGIN);

    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(ended.output())
        .contains("PJRT 0.104 (cpu XLA:CPU", "  cpu: 8", "  8 x Virtual CPU, 1.5 GiB usable");

    Ended none = run("devices", "--pjrtPlugin=" + directory.resolve("none.so"));
    assertThat(none.status()).isZero();
    assertThat(none.output()).contains("PJRT: not available").contains("none.so is not a file");
  }

  @Test
  void whatCannotBeIsToldBeforeAnythingStarts() throws Exception {
    Ended ended =
        run(
            "generate",
            "--input=" + PROMPTS,
            "--output=" + directory.resolve("none"),
            "--engine=PJRT",
            "--pjrtPlugin=" + PLUGIN,
            "--devices=9");
    assertThat(ended.status()).isEqualTo(2);
    assertThat(ended.output())
        .contains("--devices=9: engine PJRT has 8 of kind cpu here; ask for as many");

    Ended without =
        run(
            "generate",
            "--input=" + PROMPTS,
            "--output=" + directory.resolve("none"),
            "--engine=OnnxRuntime",
            "--dtype=bfloat16");
    assertThat(without.status()).isEqualTo(2);
    assertThat(without.output())
        .contains(
            "--dtype=bfloat16: engine OnnxRuntime has float32 and float16; give one of these");
    assertThat(directory.resolve("none")).doesNotExist();
  }
}
