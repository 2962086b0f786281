package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.entry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class PjrtPluginTest {
  @TempDir Path folder;

  @Test
  void isLoadedOnceAProcess() throws IOException {
    PjrtPlugin plugin = CpuPlugin.load();
    Path link = Files.createSymbolicLink(folder.resolve("link.so"), plugin.library());

    assertThat(CpuPlugin.load()).isSameAs(plugin);
    assertThat(PjrtPlugin.load(link)).isSameAs(plugin);
    assertThat(plugin.library()).isEqualTo(link.toRealPath());
  }

  @Test
  void tellsItsVersions() {
    PjrtPlugin plugin = CpuPlugin.load();

    assertThat(plugin.apiMinorVersion()).isEqualTo(104);
    assertThat(plugin.attributes())
        .containsEntry("xla_version", 2L)
        .containsEntry("stablehlo_current_version", List.of(1L, 0L, 0L))
        .containsEntry("stablehlo_minimum_version", List.of(0L, 9L, 0L));
    assertThat(plugin).hasToString(plugin.library() + " (PJRT C API 0.104)");
  }

  @Test
  void clientOptionsAreTheGpus() throws IOException {
    Path copy = Files.copy(CpuPlugin.library(), folder.resolve("xla_cuda_plugin.so"));

    assertThat(PjrtClientOptions.forPlugin(CpuPlugin.load(), 0.5f)).isEmpty();
    assertThat(PjrtClientOptions.forPlugin(PjrtPlugin.load(copy), 0.5f))
        .containsOnly(entry("preallocate", false), entry("memory_fraction", 0.5f));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PjrtClientOptions.forPlugin(CpuPlugin.load(), Float.NaN));
  }
}
