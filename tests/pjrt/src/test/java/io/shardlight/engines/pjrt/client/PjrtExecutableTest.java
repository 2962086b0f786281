package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class PjrtExecutableTest {
  private static final int DEVICES = 4;
  private static final int FAILING_LAUNCH = 7;

  private PjrtClient client;

  @BeforeEach
  void open() {
    client =
        CpuPlugin.client(
            Map.of("num_devices", (long) DEVICES, "fail_launch_id", (long) FAILING_LAUNCH));
  }

  @AfterEach
  void nothingIsLeftWithoutTheClient() {
    client.close();
    CpuPlugin.assertNothingLives();
  }

  @Test
  void computesOnOneDevice() {
    try (PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.single())) {
      List<PjrtBuffer> results = add.execute(List.of(List.of(four(0, 1), four(0, 10)))).get(0);

      assertThat(add.devices()).containsExactly(client.devices().get(0));
      assertThat(results).hasSize(1);
      assertThat(HostMemory.floats(results.get(0))).containsExactly(11, 13, 15, 17);
    }
  }

  @Test
  void computesOnTheDeviceThatWasNamed() {
    PjrtDevice third = client.devices().get(2);
    PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.on(List.of(third)));

    PjrtBuffer sum = add.execute(List.of(List.of(four(2, 1), four(2, 1)))).get(0).get(0);

    assertThat(add.devices()).containsExactly(third);
    assertThat(sum.device()).isSameAs(third);
    assertThat(HostMemory.floats(sum)).containsExactly(2, 4, 6, 8);
  }

  /** Weights on each device, a shard of the batch to each, one call. */
  @Test
  void replicatesAndShards() {
    PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.on(client.devices()));
    List<List<PjrtBuffer>> arguments = new ArrayList<>();
    for (int device = 0; device < DEVICES; device++) {
      arguments.add(List.of(four(device, 100 * device), four(device, 1000)));
    }

    List<List<PjrtBuffer>> results = add.execute(arguments);

    assertThat(results).hasSize(DEVICES);
    for (int device = 0; device < DEVICES; device++) {
      float first = 1000 + 100 * device;
      PjrtBuffer sum = results.get(device).get(0);
      assertThat(HostMemory.floats(sum)).containsExactly(first, first + 2, first + 4, first + 6);
      assertThat(sum.device()).isSameAs(client.devices().get(device));
    }
  }

  @Test
  void listsFollowTheOrderOfTheIdsGiven() {
    PjrtExecutable replica =
        client.compile(Programs.REPLICA_ID, new CompileOptions(3, List.of(3, 0, 2)));

    List<List<PjrtBuffer>> results = replica.execute(List.of(List.of(), List.of(), List.of()));

    assertThat(replica.devices().stream().map(PjrtDevice::id)).containsExactly(3, 0, 2);
    assertThat(results.stream().map(list -> list.get(0).device().id())).containsExactly(3, 0, 2);
    assertThat(results.stream().map(list -> list.get(0).download().getInt()))
        .containsExactly(0, 1, 2);
  }

  @Test
  void tellsItsResults() {
    PjrtExecutable two = client.compile(Programs.TWO_RESULTS, CompileOptions.single());
    ByteBuffer rows = HostMemory.of(0, 1, 2, 10, 11, 12);

    List<PjrtBuffer> results =
        two.execute(List.of(List.of(upload(0, rows, PjrtShape.of(11, 2, 3))))).get(0);

    List<PjrtShape> shapes =
        List.of(PjrtShape.of(PjrtBufferType.F32, 3, 2), PjrtShape.of(PjrtBufferType.BF16, 2, 3));
    assertThat(two.outputShapes()).isEqualTo(shapes);
    assertThat(results.stream().map(PjrtBuffer::shape).toList()).isEqualTo(shapes);
    assertThat(HostMemory.floats(results.get(0))).containsExactly(0, 10, 1, 11, 2, 12);
    assertThat(results.get(1).download().asShortBuffer().get(5)).isEqualTo((short) 0x4150);
    assertThat(two.memoryStats()).hasValue(new CompiledMemoryStats(0, 24, 36, 0, 0, 60));
  }

  @Test
  void resultsMayBeArguments() {
    PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.single());
    PjrtBuffer sum = four(0, 0);
    PjrtBuffer step = four(0, 1);

    for (int i = 0; i < 5; i++) {
      sum = add.execute(List.of(List.of(sum, step))).get(0).get(0);
    }

    assertThat(HostMemory.floats(sum)).containsExactly(5, 11, 17, 23);
  }

  @Test
  void donatedArgumentsAreGone() {
    PjrtExecutable donating = client.compile(Programs.DONATING, CompileOptions.single());
    PjrtBuffer argument = four(0, 1);
    List<List<PjrtBuffer>> arguments = List.of(List.of(argument));

    PjrtBuffer kept =
        donating
            .execute(arguments, ExecuteOptions.DEFAULT.withNonDonatableInputs(List.of(0)))
            .get(0)
            .get(0);
    assertThat(argument.isDeleted()).isFalse();
    assertThat(HostMemory.floats(kept)).containsExactly(2, 4, 6, 8);

    PjrtBuffer result = donating.execute(arguments).get(0).get(0);

    assertThat(argument.isDeleted()).isTrue();
    assertThat(HostMemory.floats(result)).containsExactly(2, 4, 6, 8);
    assertThat(donating.memoryStats().orElseThrow().aliasBytes()).isEqualTo(16);
    assertInvalid(
        () -> donating.execute(arguments),
        "PJRT_LoadedExecutable_Execute",
        "Buffer passed to Execute() as argument 0 to replica 0 is deleted or donated.");
  }

  @Test
  void isSerializedAndLoadedAgain() {
    byte[] serialized;
    String fingerprint;
    try (PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.single())) {
      serialized = add.serialize();
      fingerprint = add.fingerprint().orElseThrow();
    }

    PjrtExecutable loaded = client.deserialize(serialized);
    PjrtExecutable moved =
        client.deserialize(serialized, CompileOptions.on(List.of(client.devices().get(3))));

    assertThat(loaded.fingerprint()).hasValue(fingerprint);
    assertThat(loaded.outputShapes()).containsExactly(Programs.FOUR);
    assertThat(
            HostMemory.floats(
                loaded.execute(List.of(List.of(four(0, 1), four(0, 1)))).get(0).get(0)))
        .containsExactly(2, 4, 6, 8);
    assertThat(moved.devices()).containsExactly(client.devices().get(3));
    assertThat(
            HostMemory.floats(
                moved.execute(List.of(List.of(four(3, 1), four(3, 1)))).get(0).get(0)))
        .containsExactly(2, 4, 6, 8);
    serialized[0]++;
    assertInvalid(
        () -> client.deserialize(serialized),
        "PJRT_Executable_DeserializeAndLoad",
        "not a serialized executable of this plugin");
    assertInvalid(
        () -> client.deserialize(new byte[0]),
        "PJRT_Executable_DeserializeAndLoad",
        "not a serialized executable of this plugin");
  }

  @Test
  void compilersMessagesAreKept() {
    assertInvalid(
        () -> client.compile("module {}", CompileOptions.single()),
        "PJRT_Client_Compile",
        "the module has no public function @main");
    assertInvalid(
        () -> client.compile(Programs.ADD, new CompileOptions(1, List.of(4))),
        "PJRT_Client_Compile",
        "device_assignment: no device 4");
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(
            () -> client.compile(Programs.ADD.replace("%x, %y", "%x, %z"), CompileOptions.single()))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.INVALID_ARGUMENT);
              assertThat(e.getCause())
                  .as("the compiling thread's own trace")
                  .isInstanceOf(PjrtException.class);
            })
        .withMessageStartingWith(
            "PJRT_Client_Compile: INVALID_ARGUMENT: Cannot deserialize computation");
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(
            () ->
                client.compile(
                    Programs.ADD.replace("stablehlo.add", "stablehlo.all_reduce"),
                    CompileOptions.single()))
        .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.UNIMPLEMENTED));
  }

  @Test
  void aFlagThatTheCompilerDoesNotKnowIsLeftOut() {
    CompileOptions options =
        CompileOptions.single().withFlags(Map.of("xla_gpu_of_another_time", 0L));
    PjrtExecutable add = client.compile(Programs.ADD, options);
    assertThat(add.execute(List.of(List.of(four(0, 1), four(0, 2)))).get(0)).hasSize(1);
    add.close();

    assertInvalid(
        () -> client.compile("module {}", options),
        "PJRT_Client_Compile",
        "the module has no public function @main");
  }

  @Test
  void wrongArgumentsAreRefused() {
    PjrtExecutable one = client.compile(Programs.ADD, CompileOptions.single());
    PjrtExecutable all = client.compile(Programs.ADD, CompileOptions.on(client.devices()));
    PjrtBuffer here = four(0, 1);
    PjrtBuffer there = four(1, 1);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> all.execute(List.of(List.of(here, here))))
        .withMessage("the program runs on 4 devices, but there are 1 lists of arguments");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                all.execute(List.of(List.of(here, here), List.of(there), List.of(), List.of(here))))
        .withMessage("each device must get as many arguments, but their numbers are [2, 1, 0, 1]");
    assertInvalid(
        () -> one.execute(List.of(List.of(here))),
        "PJRT_LoadedExecutable_Execute",
        "Execution supplied 1 buffers but compiled program expected 2 buffers");
    assertInvalid(
        () -> one.execute(List.of(List.of(here, there))),
        "PJRT_LoadedExecutable_Execute",
        "Buffer passed to Execute() as argument 1 to replica 0 is on device 1, but replica is"
            + " assigned to device 0.");
    PjrtBuffer three = upload(0, HostMemory.of(1, 2, 3), PjrtShape.of(PjrtBufferType.F32, 3));
    assertInvalid(
        () -> one.execute(List.of(List.of(here, three))),
        "PJRT_LoadedExecutable_Execute",
        "Executable expected parameter 1 of 16 bytes of f32 and its declared shape, but got"
            + " buffer of 12 bytes of f32");
    there.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> one.execute(List.of(List.of(here, there))))
        .withMessage("PJRT buffer is closed");
    // What was refused has used nothing up.
    assertThat(HostMemory.floats(one.execute(List.of(List.of(here, here))).get(0).get(0)))
        .containsExactly(2, 4, 6, 8);
  }

  /** A failed execution has handed out results all the same. */
  @Test
  void failureOfADeviceLeavesNoResults() {
    PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.on(client.devices()));
    List<List<PjrtBuffer>> arguments = new ArrayList<>();
    for (int device = 0; device < DEVICES; device++) {
      arguments.add(List.of(four(device, 1), four(device, 1)));
    }
    Map<String, Long> before = CpuPlugin.living();

    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(
            () -> add.execute(arguments, ExecuteOptions.DEFAULT.withLaunchId(FAILING_LAUNCH)))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.INTERNAL);
              assertThat(e.getSuppressed()).as("the other devices").hasSize(DEVICES - 1);
            })
        .withMessage(
            "PJRT_LoadedExecutable_Execute (PJRT_Event_Await): INTERNAL: failure injected by the"
                + " option fail_launch_id on device 0");

    assertThat(CpuPlugin.living()).isEqualTo(before);
    assertThat(add.execute(arguments, ExecuteOptions.DEFAULT.withLaunchId(8))).hasSize(DEVICES);
  }

  @Test
  void resultsThatDoNotFitAreToldApart() {
    try (PjrtClient small = CpuPlugin.client(Map.of("memory_limit", 40L));
        PjrtExecutable add = small.compile(Programs.ADD, CompileOptions.single());
        PjrtBuffer one = PjrtClientTest.upload(small, 0);
        PjrtBuffer other = PjrtClientTest.upload(small, 0)) {
      assertThatExceptionOfType(PjrtException.class)
          .isThrownBy(() -> add.execute(List.of(List.of(one, other))))
          .satisfies(e -> assertThat(e.code()).isEqualTo(PjrtErrorCode.RESOURCE_EXHAUSTED));

      other.delete();
      assertThat(add.execute(List.of(List.of(one, one))).get(0)).hasSize(1);
    }
  }

  @Test
  void manyThreadsExecuteAtOnce() throws Exception {
    PjrtExecutable all = client.compile(Programs.ADD, CompileOptions.on(client.devices()));
    List<PjrtBuffer> weights = new ArrayList<>();
    for (int device = 0; device < DEVICES; device++) {
      weights.add(four(device, 1000));
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        int start = 100 * thread;
        runs.add(threads.submit(() -> addManyTimes(all, weights, start)));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private void addManyTimes(PjrtExecutable add, List<PjrtBuffer> weights, int start) {
    for (int i = 0; i < 25; i++) {
      List<List<PjrtBuffer>> arguments = new ArrayList<>();
      for (int device = 0; device < DEVICES; device++) {
        arguments.add(List.of(four(device, start + i), weights.get(device)));
      }
      for (List<PjrtBuffer> results : add.execute(arguments)) {
        assertThat(HostMemory.floats(results.get(0))[0]).isEqualTo(1000 + start + i);
        results.get(0).close();
      }
      arguments.forEach(list -> list.get(0).close());
    }
  }

  /** What is in use is destroyed by the last who uses it. */
  @Test
  void executionsThatHaveBegunEndWellWhateverIsClosed() throws Exception {
    PjrtExecutable slow = client.compile(Programs.SLOW, CompileOptions.single());
    PjrtBuffer argument = four(0, 0);
    Map<String, Long> before = CpuPlugin.living();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<List<List<PjrtBuffer>>> run =
          thread.submit(() -> slow.execute(List.of(List.of(argument))));
      assertTimeoutPreemptively(
          Duration.ofSeconds(10),
          () -> {
            while (CpuPlugin.living().equals(before)) {
              Thread.onSpinWait();
            }
          },
          "there is no result, so the execution has not begun");

      slow.close();
      argument.close();

      assertThat(CpuPlugin.living()).containsEntry("live_executables", 2L);
      assertThat(run.isDone()).as("closing does not wait").isFalse();
      PjrtBuffer result = run.get().get(0).get(0);
      assertThat(HostMemory.floats(result)[0]).isEqualTo(Programs.SLOW_STEPS);
      assertThat(CpuPlugin.living())
          .doesNotContainKey("live_executables")
          .containsEntry("live_buffers", 1L);
      result.close();
    } finally {
      thread.shutdownNow();
    }
  }

  private void assertInvalid(Runnable call, String function, String reason) {
    assertThatExceptionOfType(PjrtException.class)
        .isThrownBy(call::run)
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(PjrtErrorCode.INVALID_ARGUMENT);
              assertThat(e.function()).isEqualTo(function);
              assertThat(e.reason()).isEqualTo(reason);
            });
  }

  /** {@code [first, first + 1, first + 2, first + 3]}; closed with the client. */
  private PjrtBuffer four(int device, float first) {
    return upload(device, HostMemory.of(first, first + 1, first + 2, first + 3), Programs.FOUR);
  }

  private PjrtBuffer upload(int device, ByteBuffer host, PjrtShape shape) {
    return client.upload(
        host, shape, client.devices().get(device), HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL);
  }
}
