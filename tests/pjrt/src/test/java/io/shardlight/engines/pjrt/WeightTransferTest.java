package io.shardlight.engines.pjrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.engines.pjrt.client.CpuPlugin;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtErrorCode;
import io.shardlight.engines.pjrt.client.PjrtException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class WeightTransferTest {
  private static final int COUNT = 60;
  private static final TensorType TYPE = TensorType.of(ElementType.F32, 30, 50);

  /** Elements counted up from a first one. */
  private record Counting(String name, Shape shape, float first, Optional<FileRegion> region)
      implements ParameterData {
    @Override
    public DataType dataType() {
      return DataType.FLOAT32;
    }

    @Override
    public void read(long start, FloatBuffer target) {
      for (long i = start; target.hasRemaining(); i++) {
        target.put(first + i);
      }
    }
  }

  private static Map<String, WeightTransfer.Weight> weights() {
    Map<String, WeightTransfer.Weight> weights = new LinkedHashMap<>();
    for (int i = 0; i < COUNT; i++) {
      Counting data = new Counting("w" + i, TYPE.shape(), 100 * i, Optional.empty());
      weights.put(data.name(), new WeightTransfer.Weight(data, TYPE));
    }
    return weights;
  }

  /** Also where there is room for a few at a time, or for less than one. */
  @ParameterizedTest
  @ValueSource(longs = {1 << 20, 40_000, 1})
  void everyDeviceGetsEveryWeight(long bytesOnTheirWay) throws IOException {
    try (PjrtClient client = CpuPlugin.client(3)) {
      Map<String, List<PjrtBuffer>> arrived =
          WeightTransfer.run(client, client.devices(), weights(), bytesOnTheirWay);

      assertThat(arrived).hasSize(COUNT);
      for (int i = 0; i < COUNT; i++) {
        List<PjrtBuffer> copies = Objects.requireNonNull(arrived.get("w" + i));
        assertThat(copies)
            .extracting(PjrtBuffer::device)
            .containsExactlyElementsOf(client.devices());
        for (PjrtBuffer copy : copies) {
          ByteBuffer bytes =
              ByteBuffer.allocateDirect((int) TYPE.bytes()).order(ByteOrder.nativeOrder());
          copy.download(bytes);
          assertThat(bytes.getFloat(0)).isEqualTo(100 * i);
          assertThat(bytes.getFloat(14 * Float.BYTES)).isEqualTo(100 * i + 14);
        }
      }
    }
    CpuPlugin.assertNothingLives();
  }

  @Test
  void oneThatCannotBeReadLeavesNothingOnTheDevices() {
    Map<String, WeightTransfer.Weight> weights = weights();
    Counting gone =
        new Counting(
            "w30",
            TYPE.shape(),
            0,
            Optional.of(
                new ParameterData.FileRegion(Path.of("gone.safetensors"), 0, TYPE.bytes())));
    weights.put(gone.name(), new WeightTransfer.Weight(gone, TYPE));
    try (PjrtClient client = CpuPlugin.client(2)) {
      assertThatThrownBy(() -> WeightTransfer.run(client, client.devices(), weights))
          .isInstanceOf(NoSuchFileException.class)
          .hasMessageContaining("gone.safetensors");
      assertThat(CpuPlugin.living()).doesNotContainKey("live_buffers");
    }
    CpuPlugin.assertNothingLives();
  }

  @Test
  void oneThatADeviceHasNoRoomForLeavesNothingOnTheDevices() {
    Map<String, WeightTransfer.Weight> weights = weights();
    try (PjrtClient client =
        CpuPlugin.client(Map.of("num_devices", 2L, "memory_limit", COUNT / 2 * TYPE.bytes()))) {
      assertThatThrownBy(() -> WeightTransfer.run(client, client.devices(), weights))
          .isInstanceOfSatisfying(
              PjrtException.class,
              e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.RESOURCE_EXHAUSTED));
      assertThat(CpuPlugin.living()).doesNotContainKey("live_buffers");
    }
    CpuPlugin.assertNothingLives();
  }
}
