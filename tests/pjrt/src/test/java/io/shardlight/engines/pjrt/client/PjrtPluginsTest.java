package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PjrtPluginsTest {
  @TempDir Path folder;

  private Path first;
  private Path second;

  @BeforeEach
  void makeLibraries() throws IOException {
    first = Files.createFile(folder.resolve("first.so"));
    second = Files.createFile(folder.resolve("second.so"));
  }

  @Test
  void whatIsAskedForComesFirst() {
    assertThat(
            PjrtPlugins.find(Optional.of(first), Map.of(PjrtPlugins.TPU_PATH, second.toString())))
        .isEqualTo(first);
  }

  @Test
  void whatIsAskedForIsNotReplaced() {
    Path missing = folder.resolve("missing.so");

    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(
            () ->
                PjrtPlugins.find(
                    Optional.of(missing), Map.of(PjrtPlugins.TPU_PATH, second.toString())))
        .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.NOT_FOUND))
        .withMessageContaining("--pjrtPlugin=" + missing + " is not a file");
  }

  @Test
  void namedLibrariesComeBeforeTheTpus() {
    assertThat(
            PjrtPlugins.find(
                Optional.empty(),
                Map.of(
                    PjrtPlugins.NAMES_AND_PATHS,
                    "gone:" + folder.resolve("gone.so") + ",cuda: " + first,
                    PjrtPlugins.TPU_PATH,
                    second.toString())))
        .isEqualTo(first);
    assertThat(
            PjrtPlugins.find(
                Optional.empty(),
                Map.of(
                    PjrtPlugins.NAMES_AND_PATHS,
                    "gone:" + folder.resolve("gone.so"),
                    PjrtPlugins.TPU_PATH,
                    second.toString())))
        .isEqualTo(second);
  }

  @Test
  void tellsWhereItLooked() {
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> PjrtPlugins.find(Optional.empty(), Map.of()))
        .withMessageContaining("PJRT_NAMES_AND_LIBRARY_PATHS is not set")
        .withMessageContaining("TPU_LIBRARY_PATH is not set")
        .withMessageContaining("--pjrtPlugin=PATH");
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(
            () ->
                PjrtPlugins.find(
                    Optional.empty(),
                    Map.of(
                        PjrtPlugins.NAMES_AND_PATHS,
                        "tpu,cuda:/gone.so",
                        PjrtPlugins.TPU_PATH,
                        folder.toString())))
        .withMessageContaining("has \"tpu\" where name:path should be")
        .withMessageContaining("/gone.so of PJRT_NAMES_AND_LIBRARY_PATHS is not a file")
        .withMessageContaining(folder + " of TPU_LIBRARY_PATH is not a file");
  }
}
