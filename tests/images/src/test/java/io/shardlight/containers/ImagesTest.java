package io.shardlight.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The three images, put together by jib on a stand-in for Beam's image, unpacked, and run in a root
 * of their own. The plugins' wheels cannot be had without a network: in their place lie files that
 * are no libraries.
 */
class ImagesTest {
  private static final Map<String, ImageRoot> IMAGES = new HashMap<>();

  @BeforeAll
  static void build(@TempDir Path scratch) throws Exception {
    // The one thing that no installation brings.
    assumeTrue(ImageRoot.isPossible(), "this user may not change the root, which root may");
    Path launcher = scratch.resolve("launcher");
    put(launcher.resolve("opt/google/dataflow/java_template_launcher"));
    Path plugin = scratch.resolve("plugin-stage");
    put(plugin.resolve("plugin/libtpu/libtpu.so"));
    put(plugin.resolve("plugin/jax_plugins/xla_cuda12/xla_cuda_plugin.so"));
    put(plugin.resolve("plugin/nvidia/cuda_nvcc/bin/ptxas"));
    ImageBuilder builder =
        new ImageBuilder(scratch, Map.of("launcher", launcher, "plugin", plugin));
    Path base = builder.base();
    for (String kind : List.of("cpu", "gpu", "tpu")) {
      Dockerfile dockerfile = Dockerfile.read(ImageFiles.context().resolve(kind + ".Dockerfile"));
      Path tar = builder.build(dockerfile, base, kind);
      IMAGES.put(kind, ImageRoot.unpack(tar, scratch.resolve("root-" + kind)));
      Files.delete(tar);
    }
  }

  private static void put(Path file) throws Exception {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "stands in for what a registry would give");
  }

  private static ImageRoot image(String kind) {
    return Objects.requireNonNull(IMAGES.get(kind));
  }

  @Test
  void theCpuImageDrawsTwoImages() throws Exception {
    ScriptRun result = image("cpu").run(Map.of(), List.of("/template/validate"));

    assertThat(result.output())
        .contains("Wanted: devices of kind cpu", "2 images made", "This image works here.");
    assertThat(result.status()).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "gpu, /opt/pjrt/jax_plugins/xla_cuda12/xla_cuda_plugin.so",
    "tpu, /opt/pjrt/libtpu.so",
  })
  void anImageWhosePluginDoesNotLoadSaysSoAndDrawsNothing(String kind, String plugin)
      throws Exception {
    ScriptRun result = image(kind).run(Map.of(), List.of("/template/validate"));

    assertThat(result.output())
        .contains("Wanted: devices of kind " + kind, "Plugin " + plugin)
        .containsPattern("(?m)^.*" + plugin + ".*(invalid ELF header|file too short).*$")
        .contains("generate: ended with status ", "This image does not work.")
        .doesNotContain("libjsig.so is not loaded", "images made", "Exception in thread");
    assertThat(result.status()).isOne();
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "gpu", "tpu"})
  void aWorkerBootsWithTheWordsItIsGiven(String kind) throws Exception {
    List<String> words = new ArrayList<>(image(kind).entrypoint());
    words.addAll(List.of("--id=1", "--logging_endpoint=localhost:1"));

    ScriptRun result = image(kind).run(Map.of(), words);

    assertThat(result.output())
        .contains("boot --id=1 --logging_endpoint=localhost:1\n", "SHARDLIGHT_DEVICE_KIND=" + kind);
    assertThat(result.status()).isZero();
  }

  @Test
  void aTpuWorkerCountsItsChips(@TempDir Path devices) throws Exception {
    for (int chip = 0; chip < 4; chip++) {
      Files.createDirectories(image("tpu").resolve("fake-dev/vfio"));
      Files.writeString(image("tpu").resolve("fake-dev/vfio/" + chip), "");
    }

    ScriptRun result =
        image("tpu").run(Map.of("TPU_DEVICE_FOLDER", "/fake-dev"), image("tpu").entrypoint());

    assertThat(result.output().lines())
        .contains("TPU_CHIPS_PER_HOST_BOUNDS=2,2,1", "TPU_ACCELERATOR_TYPE=v5litepod-4");
  }

  /** As Dataflow's launcher starts it. */
  @ParameterizedTest
  @ValueSource(strings = {"cpu", "gpu", "tpu"})
  void theProgramOfALaunchTellsWhatIsWrong(String kind) throws Exception {
    Map<String, String> variables = image(kind).environment();
    List<String> words = new ArrayList<>(List.of("java"));
    words.addAll(List.of(variables.getOrDefault("FLEX_TEMPLATE_JAVA_OPTIONS", "").split(" ", -1)));
    words.addAll(
        List.of(
            "-cp",
            variables.getOrDefault("FLEX_TEMPLATE_JAVA_CLASSPATH", ""),
            variables.getOrDefault("FLEX_TEMPLATE_JAVA_MAIN_CLASS", ""),
            "--stepz=20",
            "--output=out"));

    ScriptRun result = image(kind).run(Map.of(), words);

    assertThat(result.output().lines())
        .anyMatch(line -> line.startsWith("--stepz=20: no such option; did you mean --steps?"))
        .anyMatch(line -> line.startsWith("--output=out: "))
        .last()
        .isEqualTo("Nothing was started.");
    assertThat(result.status()).isEqualTo(2);
  }

  /** As Beam's boot program starts it, which reads the options file. */
  @ParameterizedTest
  @ValueSource(strings = {"cpu", "gpu", "tpu"})
  void theJvmOfAWorkerStartsWithItsOptionsAndFindsOurClasses(String kind) throws Exception {
    ImageRoot image = image(kind);
    JsonNode options =
        new ObjectMapper()
            .readTree(image.resolve("/opt/apache/beam/options/option-native.json").toFile())
            .path("options");
    List<String> words = new ArrayList<>(List.of("java"));
    options.path("java_arguments").forEach(word -> words.add(word.asText()));
    options
        .path("properties")
        .fields()
        .forEachRemaining(p -> words.add("-D" + p.getKey() + "=" + p.getValue().asText()));
    words.addAll(
        List.of(
            "-cp",
            options.at("/classpath/0").asText(),
            "io.shardlight.pipeline.Shardlight",
            "--version"));

    ScriptRun result = image.run(Map.of(), words);

    assertThat(result.output()).contains("shardlight 0.1.0");
    assertThat(result.status()).isZero();
  }
}
