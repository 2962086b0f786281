package io.shardlight.engines.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtException.OrtErrorCode;
import io.shardlight.diffusion.graph.DeviceFault;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.lowerings.StoredParameters;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OrtFaultsTest {
  /** Its square of floats is 256 TB, twice what a process can address. */
  private static final int TOKENS = 1 << 23;

  @TempDir Path directory;

  @Test
  void memoryThatIsNotThereIsAFaultOfTheDevice() throws Exception {
    GraphBuilder builder = new GraphBuilder("unet");
    Node x = builder.input("x", DataType.FLOAT32, 1, TOKENS, 1);
    builder.output("result", builder.attention(x, x, x, 1, 1, false));
    Graph graph = builder.build();

    try (Lowered lowered =
        Lowered.load(
            new OnnxLowering(),
            graph,
            StoredParameters.random(graph, directory.resolve("weights"), 1, true),
            Lowered.options(false, directory))) {
      assertThatThrownBy(() -> lowered.run(Map.of("x", new double[TOKENS])))
          .cause()
          .isInstanceOf(DeviceFault.OutOfMemory.class)
          .hasMessageContaining("unet failed on cpu() with inputs [(1, 8388608, 1) float32]: ");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "OutOfMemory | CUDA failure 2: out of memory ; GPU=0 ; hostname=a ; expr=cudaMalloc(&p,"
            + " n);",
        "OutOfMemory | CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=a",
        "OutOfMemory | CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=a",
        "OutOfMemory | Failed to allocate memory for requested buffer of size 4294967296",
        "OutOfMemory | Available memory of 7 is smaller than requested bytes of 4096",
        "OutOfMemory | Non-zero status code returned while running Conv node: std::bad_alloc",
        "Lost | CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=a",
        "Lost | CUDA failure 719: unspecified launch failure ; GPU=3 ; hostname=a",
        "Lost | CUDA failure 46: all CUDA-capable devices are busy or unavailable ; GPU=0",
        "Transient | CUDA failure 802: system not yet initialized ; GPU=0 ; hostname=a",
        "none | CUDA failure 1: invalid argument ; GPU=0 ; hostname=a",
        "none | CUBLAS failure 2: unknown ; GPU=0 ; hostname=a",
        "none | Invalid rank for input: x",
      })
  void whatTheLibrarySaysHasAType(String type, String message) {
    EngineException thrown =
        new EngineException(new OrtException(OrtErrorCode.ORT_FAIL, message.strip()));

    Optional<DeviceFault> fault = OrtFaults.find("unet failed on gpu(0)", thrown);

    assertThat(fault.map(f -> f.getClass().getSimpleName()).orElse("none")).isEqualTo(type);
    fault.ifPresent(
        f ->
            assertThat(f)
                .hasMessageStartingWith("unet failed on gpu(0): ")
                .hasCause(thrown.getCause()));
  }

  @Test
  void whatIsNotOfTheLibraryIsNoFaultOfTheDevice() {
    assertThat(OrtFaults.find("unet", new IllegalStateException("out of memory"))).isEmpty();
  }
}
