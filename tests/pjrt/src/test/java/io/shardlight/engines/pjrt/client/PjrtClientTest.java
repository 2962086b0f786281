package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class PjrtClientTest {
  @AfterEach
  void nothingIsLeft() {
    CpuPlugin.assertNothingLives();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 8})
  void hasItsDevices(int count) {
    try (PjrtClient client = CpuPlugin.client(count)) {
      assertThat(client.platformName()).isEqualTo("cpu");
      assertThat(client.platformVersion()).startsWith("XLA:CPU in TensorFlow ");
      assertThat(client.devices()).hasSize(count);
      PjrtDevice last = client.devices().get(count - 1);
      assertThat(last.id()).isEqualTo(count - 1);
      assertThat(last.kind()).isEqualTo("Virtual CPU");
      assertThat(last.localHardwareId()).isEqualTo(OptionalInt.of(count - 1));
      assertThat(last).hasToString("Virtual CPU " + (count - 1));
    }
  }

  @Test
  void attributesOfADeviceAreOfAllTypes() {
    try (PjrtClient client = CpuPlugin.client(2)) {
      assertThat(client.devices().get(1).attributes())
          .isEqualTo(
              Map.of(
                  "coords",
                  List.of(1L, 0L, 0L),
                  "core_on_chip",
                  0L,
                  "device_vendor",
                  "Shardlight",
                  "clock_ghz",
                  2.5f,
                  "virtual",
                  true));
    }
  }

  @Test
  void memoryStatsKnowWhatIsNotCounted() {
    try (PjrtClient client = CpuPlugin.client(Map.of("num_devices", 2L, "memory_limit", 1L << 20));
        PjrtBuffer buffer = upload(client, 1)) {
      DeviceMemoryStats stats = client.devices().get(1).memoryStats().orElseThrow();

      assertThat(stats.bytesInUse()).isEqualTo(16);
      assertThat(stats.peakBytesInUse()).isEqualTo(OptionalLong.of(16));
      assertThat(stats.allocations()).isEqualTo(OptionalLong.of(1));
      assertThat(stats.bytesLimit()).isEqualTo(OptionalLong.of(1 << 20));
      assertThat(stats.poolBytes()).isEmpty();
      assertThat(stats.largestFreeBlockBytes()).isEmpty();
      assertThat(client.devices().get(0).memoryStats().orElseThrow().bytesInUse()).isZero();
      assertThat(buffer.onDeviceBytes()).isEqualTo(16);
    }
  }

  @Test
  void optionsThatThePluginDoesNotKnowAreRefused() {
    assertRefused(
        Map.of("bogus", 1L), "Unexpected option name passed to PJRT_Client_Create: bogus");
    assertRefused(Map.of("num_devices", "4"), "option num_devices has the wrong type");
    assertRefused(Map.of("num_devices", true), "option num_devices has the wrong type");
    assertRefused(Map.of("num_devices", 4f), "option num_devices has the wrong type");
    assertRefused(Map.of("num_devices", new long[] {4}), "option num_devices has the wrong type");
    assertRefused(Map.of("num_devices", 65L), "option num_devices is out of range");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CpuPlugin.client(Map.of("num_devices", 4)))
        .withMessageContaining("option num_devices must be a String, Long, long[], Float or Bool");
  }

  private static void assertRefused(Map<String, Object> options, String reason) {
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> CpuPlugin.client(options))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.INVALID_ARGUMENT);
              assertThat(e.function()).isEqualTo("PJRT_Client_Create");
              assertThat(e.reason()).isEqualTo(reason);
            });
  }

  @Test
  void theNumberOfDevicesMayComeFromTheEnvironment() {
    String devices = System.getenv().getOrDefault("PJRT_CPU_DEVICES", "1");

    try (PjrtClient client = CpuPlugin.client(Map.of())) {
      assertThat(client.devices()).hasSize(Integer.parseInt(devices));
    }
  }

  @Test
  void closesWhatIsLeftOfItsOwn() {
    PjrtClient client = CpuPlugin.client(2);
    PjrtBuffer buffer = upload(client, 1);
    PjrtExecutable executable = client.compile(Programs.ADD, CompileOptions.single());
    assertThat(CpuPlugin.living()).containsKeys("live_buffers", "live_executables", "live_clients");

    client.close();

    CpuPlugin.assertNothingLives();
    buffer.close();
    executable.close();
    client.close();
    assertThatIllegalStateException()
        .isThrownBy(buffer::shape)
        .withMessage("PJRT buffer is closed");
    assertThatIllegalStateException()
        .isThrownBy(() -> executable.execute(List.of(List.of())))
        .withMessage("PJRT executable is closed");
    assertThatIllegalStateException()
        .isThrownBy(() -> upload(client, 0))
        .withMessage("PJRT client of libpjrt_cpu_of_client_tests.so is closed");
    assertThatIllegalStateException()
        .isThrownBy(() -> client.compile(Programs.ADD, CompileOptions.single()));
    assertThatIllegalStateException().isThrownBy(() -> client.devices().get(0).memoryStats());
  }

  /** It may have uploads under way, whose host memory the plugin still reads. */
  @Test
  void isKeptUntilItIsClosed() {
    WeakReference<PjrtClient> client = new WeakReference<>(CpuPlugin.client(1));

    System.gc();
    Optional.ofNullable(client.get()).orElseThrow().close();

    System.gc();
    assertThat(client.get()).isNull();
  }

  @Test
  void clientsDoNotMix() {
    try (PjrtClient one = CpuPlugin.client(1);
        PjrtClient other = CpuPlugin.client(1);
        PjrtBuffer ones = upload(one, 0);
        PjrtBuffer others = upload(other, 0);
        PjrtExecutable add = one.compile(Programs.ADD, CompileOptions.on(one.devices()))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ones.copyToDevice(other.devices().get(0)))
          .withMessageContaining("belongs to another client");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> add.execute(List.of(List.of(ones, others))))
          .withMessageContaining("belongs to another client");
    }
  }

  static PjrtBuffer upload(PjrtClient client, int device) {
    return client.upload(
        HostMemory.of(1, 2, 3, 4),
        Programs.FOUR,
        client.devices().get(device),
        HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL);
  }
}
