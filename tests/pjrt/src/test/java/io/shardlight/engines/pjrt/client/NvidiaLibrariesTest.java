package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NvidiaLibrariesTest {
  @TempDir Path packages;

  @Test
  void findsLibrariesInTheOrderToLoadThem() throws IOException {
    Path cudnn = file("nvidia/cudnn/lib/libcudnn.so.9");
    file("nvidia/cudnn/lib/libcudnn_graph.so.9");
    Path cublas = file("nvidia/cublas/lib/libcublas.so.12");
    Path cublasLt = file("nvidia/cublas/lib/libcublasLt.so.12");
    Path cudart = file("nvidia/cuda_runtime/lib/libcudart.so.12");
    Path nccl = file("nvidia/nccl/lib/libnccl.so.2");
    Path nvrtc = file("nvidia/cuda_nvrtc/lib/libnvrtc.so.12");
    file("nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9");
    file("nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12");
    Path plugin = file("jax_plugins/xla_cuda12/xla_cuda_plugin.so");

    assertThat(NvidiaLibraries.findFor(plugin))
        .containsExactly(cudart, nvrtc, cublas, cublasLt, nccl, cudnn);
  }

  @Test
  void takesThoseOfThePluginsOwnCuda() throws IOException {
    Path old = file("nvidia/cublas/lib/libcublas.so.12");
    Path young = file("nvidia/cu13/lib/libcublas.so.13");
    Path nccl = file("nvidia/nccl/lib/libnccl.so.2");

    assertThat(NvidiaLibraries.findFor(file("jax_plugins/xla_cuda12/xla_cuda_plugin.so")))
        .containsExactly(old, nccl);
    assertThat(NvidiaLibraries.findFor(file("jax_plugins/xla_cuda13/xla_cuda_plugin.so")))
        .containsExactly(young, nccl);
  }

  @Test
  void otherPluginsNeedNone() throws IOException {
    file("nvidia/cublas/lib/libcublas.so.12");

    assertThat(NvidiaLibraries.findFor(file("libtpu/libtpu.so"))).isEmpty();
    assertThat(NvidiaLibraries.findFor(packages.resolve("elsewhere/xla_cuda_plugin.so")))
        .as("above")
        .hasSize(1);
  }

  @Test
  void tellsWhatCannotBeLoaded() throws IOException {
    Path broken = file("nvidia/cublas/lib/libcublas.so.12");
    Path plugin = file("jax_plugins/xla_cuda12/xla_cuda_plugin.so");

    List<String> complaints = NvidiaLibraries.loadFor(plugin);

    assertThat(complaints).singleElement().asString().contains(broken.toString());
  }

  private Path file(String name) throws IOException {
    Path file = packages.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.exists(file) ? file : Files.createFile(file);
  }
}
