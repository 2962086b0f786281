package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class PjrtBufferTest {
  private static final long[][] DIMENSIONS = {{}, {1}, {7}, {2, 3}, {0}, {3, 0, 2}, {2, 1, 3, 5}};

  /** One element of each, in row-major order, is {@code 10 * row + column}. */
  private static final float[] ROWS = {0, 1, 2, 10, 11, 12};

  private static final PjrtShape TWO_BY_THREE = PjrtShape.of(PjrtBufferType.F32, 2, 3);

  @TempDir Path folder;

  private PjrtClient client;

  @BeforeAll
  void open() {
    client = CpuPlugin.client(2);
  }

  @AfterEach
  void noBufferIsLeft() {
    assertThat(CpuPlugin.living()).containsOnlyKeys("live_clients");
  }

  @AfterAll
  void close() {
    client.close();
    CpuPlugin.assertNothingLives();
  }

  /** Those that the plugin has. */
  static Stream<PjrtBufferType> types() {
    return EnumSet.range(PjrtBufferType.PRED, PjrtBufferType.F8E4M3FN).stream();
  }

  @ParameterizedTest
  @MethodSource("types")
  void comesBackAsItWent(PjrtBufferType type) {
    for (long[] dimensions : DIMENSIONS) {
      for (HostBufferSemantics semantics : HostBufferSemantics.values()) {
        PjrtShape shape = PjrtShape.of(type, dimensions);
        ByteBuffer host = HostMemory.random(shape.hostBytes(), dimensions.length);
        try (PjrtBuffer buffer = client.upload(host, shape, device(1), semantics)) {
          buffer.awaitTransfer();
          buffer.awaitReady();

          assertThat(buffer.shape()).isEqualTo(shape);
          assertThat(buffer.device()).isSameAs(device(1));
          assertThat(buffer.hostBytes()).isEqualTo(shape.hostBytes());
          assertThat(buffer.onDeviceBytes()).isEqualTo(shape.hostBytes());
          assertThat(HostMemory.bytes(buffer.download())).isEqualTo(HostMemory.bytes(host));
        }
      }
    }
  }

  @Test
  void onlyWhatLiesBetweenPositionAndLimitIsTouched() {
    ByteBuffer from = HostMemory.of(9, 1, 2, 3, 4, 9).position(4).limit(20);
    ByteBuffer to = HostMemory.of(7, 7, 7, 7, 7, 7).position(4);

    try (PjrtBuffer buffer = upload(from, Programs.FOUR)) {
      buffer.download(to);
    }

    assertThat(from.position()).isEqualTo(4);
    assertThat(from.limit()).isEqualTo(20);
    assertThat(to.position()).isEqualTo(4);
    assertThat(to.limit()).isEqualTo(24);
    assertThat(to.rewind()).isEqualTo(HostMemory.of(7, 1, 2, 3, 4, 7));
    // A slice begins elsewhere, and its own order of bytes is nobody's business.
    ByteBuffer slice = from.slice().order(ByteOrder.BIG_ENDIAN);
    try (PjrtBuffer buffer = upload(slice, Programs.FOUR)) {
      assertThat(HostMemory.floats(buffer)).containsExactly(1, 2, 3, 4);
    }
  }

  @Test
  void mappedFilesAreReadWhereTheyLie() throws IOException {
    ByteBuffer weights = HostMemory.random(1 << 22, 5);
    Path file = folder.resolve("weights");
    Files.write(file, HostMemory.bytes(weights));
    PjrtShape shape = PjrtShape.of(PjrtBufferType.BF16, 1 << 10, 1 << 10);
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, 1 << 22);
      ByteBuffer half = mapped.slice(1 << 21, 1 << 21);
      try (PjrtBuffer buffer =
          client.upload(
              half, shape, device(0), HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES)) {
        buffer.awaitTransfer();

        assertThat(buffer.download()).isEqualTo(weights.slice(1 << 21, 1 << 21));
      }
    }
  }

  /** The memory is read on the device's own thread, long after the upload has returned. */
  @Test
  void hostMemoryIsKeptUntilItIsRead() {
    List<WeakReference<ByteBuffer>> memories = new ArrayList<>();
    List<PjrtBuffer> buffers = new ArrayList<>();
    PjrtShape shape = PjrtShape.of(PjrtBufferType.U8, 1 << 20);
    for (int i = 0; i < 20; i++) {
      ByteBuffer memory = HostMemory.random(1 << 20, i);
      memories.add(new WeakReference<>(memory));
      buffers.add(
          client.upload(
              memory, shape, device(0), HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES));
    }

    System.gc();
    for (WeakReference<ByteBuffer> memory : memories) {
      assertThat(memory.get()).isNotNull();
    }

    for (int i = 0; i < 20; i++) {
      buffers.get(i).awaitTransfer();
      assertThat(buffers.get(i).download()).isEqualTo(HostMemory.random(1 << 20, i));
    }
    System.gc();
    for (WeakReference<ByteBuffer> memory : memories) {
      assertThat(memory.get()).as("let go of after the transfer").isNull();
    }
    buffers.forEach(PjrtBuffer::close);
  }

  @Test
  void hostMemoryMayHaveStrides() {
    // Column by column, as a file may have it whose axes are in another order.
    ByteBuffer columns = HostMemory.of(0, 10, 1, 11, 2, 12);
    try (PjrtBuffer buffer =
        client.upload(
            columns,
            TWO_BY_THREE,
            new long[] {4, 8},
            device(0),
            HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL)) {
      assertThat(HostMemory.floats(buffer)).containsExactly(ROWS);
    }
  }

  @Test
  void stridesMayNotLeadOutOfTheMemory() {
    for (long[] strides : new long[][] {{4}, {4, 12}, {16, 4}, {-12, 4}, {4, 8, 8}}) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  client.upload(
                      HostMemory.of(ROWS),
                      TWO_BY_THREE,
                      strides,
                      device(0),
                      HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL))
          .withMessageContaining("must be one a dimension, and stay within its 24 bytes");
    }
  }

  @Test
  void hostMemoryMustFit() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> upload(HostMemory.of(1, 2, 3), Programs.FOUR))
        .withMessage("F32[4] takes 16 bytes, but there are 12");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> upload(HostMemory.of(1, 2, 3, 4, 5), Programs.FOUR));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> upload(ByteBuffer.allocate(16), Programs.FOUR))
        .withMessage("host memory must be a direct ByteBuffer");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> upload(HostMemory.allocate(0), PjrtShape.of(PjrtBufferType.TOKEN)))
        .withMessage("nothing of type TOKEN can be uploaded");
    try (PjrtBuffer buffer = upload(HostMemory.of(1, 2, 3, 4), Programs.FOUR)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> buffer.download(HostMemory.allocate(15)))
          .withMessage("F32[4] takes 16 bytes, but there are 15");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> buffer.download(ByteBuffer.allocate(16)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> buffer.download(HostMemory.allocate(16).asReadOnlyBuffer()))
          .withMessage("host memory must not be read-only");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = PjrtBufferType.class,
      names = {"S4", "F8E8M0FNU"})
  void typesThatAPluginLacksAreItsError(PjrtBufferType type) {
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(() -> upload(HostMemory.allocate(2), PjrtShape.of(type, 2)))
        .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.UNIMPLEMENTED))
        .withMessageStartingWith("PJRT_Client_BufferFromHostBuffer: UNIMPLEMENTED: ");
  }

  @Test
  void isCopiedToAnotherDevice() {
    try (PjrtBuffer buffer = upload(HostMemory.of(ROWS), TWO_BY_THREE);
        PjrtBuffer copy = buffer.copyToDevice(device(1))) {
      assertThat(copy.device()).isSameAs(device(1));
      assertThat(copy.shape()).isEqualTo(TWO_BY_THREE);
      assertThat(HostMemory.floats(copy)).containsExactly(ROWS);
    }
  }

  @Test
  void isDeletedAndClosedAsOftenAsOneLikes() {
    PjrtBuffer buffer = upload(HostMemory.of(1, 2, 3, 4), Programs.FOUR);
    assertThat(buffer.isDeleted()).isFalse();

    buffer.delete();
    buffer.delete();

    assertThat(buffer.isDeleted()).isTrue();
    assertThat(CpuPlugin.living()).doesNotContainKey("live_bytes");
    assertThat(buffer.shape()).isEqualTo(Programs.FOUR);
    assertInvalid(buffer::download, "ToHostBuffer() called on deleted or donated buffer");
    assertInvalid(buffer::awaitReady, "ReadyEvent() called on deleted or donated buffer");
    assertInvalid(
        () -> buffer.copyToDevice(device(1)), "CopyToDevice() called on deleted or donated buffer");

    buffer.close();
    buffer.close();
    buffer.delete();
    buffer.awaitTransfer();

    assertThatIllegalStateException().isThrownBy(buffer::download);
    assertThatIllegalStateException().isThrownBy(buffer::isDeleted);
  }

  @Test
  void aFullDeviceIsToldApart() {
    try (PjrtClient small = CpuPlugin.client(Map.of("num_devices", 2L, "memory_limit", 40L));
        PjrtBuffer first = PjrtClientTest.upload(small, 0);
        PjrtBuffer second = PjrtClientTest.upload(small, 0)) {
      assertThatExceptionOfType(PjrtException.class)
          .isThrownBy(() -> PjrtClientTest.upload(small, 0))
          .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.RESOURCE_EXHAUSTED))
          .withMessage(
              "PJRT_Client_BufferFromHostBuffer: RESOURCE_EXHAUSTED: Out of memory on device 0:"
                  + " 32 bytes in use, 16 more wanted, limit 40");

      first.delete();
      PjrtClientTest.upload(small, 0).close();
      assertThat(HostMemory.floats(second)).containsExactly(1, 2, 3, 4);
    }
  }

  private static void assertInvalid(Runnable call, String reason) {
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(call::run)
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.INVALID_ARGUMENT);
              assertThat(e.reason()).isEqualTo(reason);
            });
  }

  private PjrtDevice device(int index) {
    return client.devices().get(index);
  }

  private PjrtBuffer upload(ByteBuffer host, PjrtShape shape) {
    return client.upload(host, shape, device(0), HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL);
  }
}
