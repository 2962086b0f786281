package io.shardlight.containers;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code tpu-host}, which tells libtpu of the chips by their device files. */
class TpuHostTest {
  private static final String SHOW =
      "echo \"$TPU_CHIPS_PER_HOST_BOUNDS $TPU_ACCELERATOR_TYPE [$1] [$2]\"; exit 7";

  @TempDir private Path devices;

  private ScriptRun run(Map<String, String> environment) throws Exception {
    return ScriptRun.of(
        Path.of(""),
        environment,
        List.of(
            "sh",
            ImageFiles.SOURCES.resolve("tpu-host").toString(),
            "sh",
            "-c",
            SHOW,
            "sh",
            "a word",
            "b"));
  }

  private Map<String, String> with(String... more) {
    Map<String, String> all = new TreeMap<>();
    all.put("TPU_DEVICE_FOLDER", devices.toString());
    for (int i = 0; i < more.length; i += 2) {
      all.put(more[i], more[i + 1]);
    }
    return all;
  }

  private void chips(String folder, int count) throws Exception {
    for (int chip = 0; chip < count; chip++) {
      Path file = devices.resolve(folder + chip);
      Files.createDirectories(file.resolve("..").normalize());
      Files.createFile(file);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "accel, 1, '1,1,1 v5litepod-1'",
    "accel, 4, '2,2,1 v5litepod-4'",
    "accel, 8, '2,4,1 v5litepod-8'",
    "vfio/, 1, '1,1,1 v5litepod-1'",
    "vfio/, 8, '2,4,1 v5litepod-8'",
  })
  void countsChipsAndStartsTheProgram(String prefix, int count, String told) throws Exception {
    Files.createDirectories(devices.resolve("vfio"));
    Files.createFile(devices.resolve("vfio/vfio")); // The container that all chips share.
    for (int chip = 0; chip < count; chip++) {
      Files.createFile(devices.resolve(prefix + chip));
    }

    ScriptRun run = run(with());

    assertThat(run.output()).isEqualTo(told + " [a word] [b]\n");
    assertThat(run.status()).isEqualTo(7);
  }

  @Test
  void countsAChipOnceThatHasBothFiles() throws Exception {
    chips("accel", 4);
    chips("vfio/", 4);

    assertThat(run(with()).output()).isEqualTo("2,2,1 v5litepod-4 [a word] [b]\n");
  }

  @Test
  void leavesWhatTheEnvironmentSays() throws Exception {
    chips("vfio/", 4);

    ScriptRun run = run(with("TPU_ACCELERATOR_TYPE", "v6e-4"));

    assertThat(run.output()).isEqualTo("2,2,1 v6e-4 [a word] [b]\n");
  }

  @Test
  void saysWhatItDoesNotKnowAndStartsTheProgramAllTheSame() throws Exception {
    chips("vfio/", 2);

    ScriptRun run = run(with());

    assertThat(run.output())
        .isEqualTo(
            "tpu-host: wanted the device files of 1, 4 or 8 chips in "
                + devices
                + ", but found 2; for another machine set TPU_CHIPS_PER_HOST_BOUNDS and"
                + " TPU_ACCELERATOR_TYPE\n  [a word] [b]\n");
    assertThat(run.status()).isEqualTo(7);
  }
}
