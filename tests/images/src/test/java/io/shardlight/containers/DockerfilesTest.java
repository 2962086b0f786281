package io.shardlight.containers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What can be told of the images from their Dockerfiles alone. */
class DockerfilesTest {
  private static Dockerfile read(String kind) throws IOException {
    return Dockerfile.read(ImageFiles.dockerfile(kind));
  }

  @ParameterizedTest
  @ValueSource(strings = {"cpu", "gpu", "tpu"})
  void basesArePinned(String kind) throws IOException {
    Dockerfile file = read(kind);

    assertThat(file.stages())
        .extracting(Dockerfile.Stage::base)
        .allMatch(base -> base.matches("[a-z0-9./-]+/?[a-z0-9_-]+:[\\w.-]+(@sha256:[0-9a-f]{64})?"))
        .noneMatch(base -> base.contains(":latest"));
    assertThat(file.image().base())
        .as("what workers run must be Beam's version, which is the submitting program's")
        .isEqualTo("apache/beam_java17_sdk:" + beam());
  }

  private static String beam() throws IOException {
    return Files.readString(Path.of("../../pom.xml"))
        .lines()
        .map(String::strip)
        .filter(line -> line.startsWith("<beam.version>"))
        .map(line -> line.replaceAll("<[^>]*>", ""))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void theImagesDifferInNothingButTheirDevices() throws IOException {
    Dockerfile cpu = read("cpu");
    for (String kind : List.of("gpu", "tpu")) {
      Dockerfile other = read(kind);
      assertThat(other.arguments()).containsAllEntriesOf(cpu.arguments());
      for (String name :
          List.of(
              "FLEX_TEMPLATE_JAVA_MAIN_CLASS",
              "FLEX_TEMPLATE_JAVA_CLASSPATH",
              "FLEX_TEMPLATE_JAVA_OPTIONS",
              "XDG_CACHE_HOME",
              "HF_HOME",
              "GLIBC_TUNABLES")) {
        assertThat(other.image().environment())
            .as(kind)
            .containsEntry(name, cpu.image().environment().getOrDefault(name, "missing"));
      }
      assertThat(other.image().environment())
          .as("the plugin's compiler, on all cores")
          .doesNotContainKey("MALLOC_ARENA_MAX");
      assertThat(other.image().workingDirectory()).isEqualTo(cpu.image().workingDirectory());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpu", "tpu"})
  void theNamedPluginIsCopiedAndTheJvmsSignalsAreSafe(String kind) throws IOException {
    Map<String, String> variables = read(kind).image().environment();
    String plugin =
        kind.equals("tpu")
            ? variables.getOrDefault("TPU_LIBRARY_PATH", "")
            : variables.getOrDefault("PJRT_NAMES_AND_LIBRARY_PATHS", "").replaceFirst("^cuda:", "");

    assertThat(plugin).startsWith("/opt/pjrt/").endsWith(".so");
    assertThat(read(kind).image().copies())
        .filteredOn(copy -> copy.stage().filter("plugin"::equals).isPresent())
        .anyMatch(copy -> plugin.startsWith(copy.target()));
    assertThat(variables)
        .containsEntry("LD_PRELOAD", "/opt/java/openjdk/lib/libjsig.so")
        .containsEntry("SHARDLIGHT_DEVICE_KIND", kind);
  }

  /** As pip reads them: whatever the registry gives must have one of these hashes. */
  @ParameterizedTest
  @ValueSource(strings = {"gpu", "tpu"})
  void wheelsAreFetchedByVersionAndHash(String kind) throws IOException {
    List<String> fetching = new ArrayList<>();
    read(kind).stages().forEach(stage -> fetching.addAll(stage.texts("RUN")));
    assertThat(fetching)
        .singleElement()
        .asString()
        .contains("--require-hashes", "--no-deps", "--only-binary :all:", "plugin-" + kind);

    String text =
        Files.readString(ImageFiles.SOURCES.resolve("plugin-" + kind + ".txt")).replace("\\\n", "");
    List<String> wheels = text.lines().filter(line -> !line.startsWith("#")).toList();
    assertThat(wheels)
        .isNotEmpty()
        .allMatch(line -> line.matches("[a-z0-9-]+==[0-9.]+ ( *--hash=sha256:[0-9a-f]{64})+"));
  }

  @Test
  void theGpuImageHasEveryLibraryThatItsPluginLoads() throws IOException {
    List<String> wheels =
        Files.readAllLines(ImageFiles.SOURCES.resolve("plugin-gpu.txt")).stream()
            .filter(line -> line.matches("[a-z].*"))
            .map(line -> line.replaceFirst("==.*", ""))
            .toList();

    // The packages that JAX's plugin for CUDA 12 asks for, and the plugin.
    assertThat(wheels)
        .containsExactlyInAnyOrder(
            "jax-cuda12-pjrt",
            "nvidia-cublas-cu12",
            "nvidia-cuda-cupti-cu12",
            "nvidia-cuda-nvcc-cu12",
            "nvidia-cuda-nvrtc-cu12",
            "nvidia-cuda-runtime-cu12",
            "nvidia-cudnn-cu12",
            "nvidia-cufft-cu12",
            "nvidia-cusolver-cu12",
            "nvidia-cusparse-cu12",
            "nvidia-nccl-cu12",
            "nvidia-nvjitlink-cu12",
            "nvidia-nvshmem-cu12");
  }
}
