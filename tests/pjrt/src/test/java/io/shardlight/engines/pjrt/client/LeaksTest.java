package io.shardlight.engines.pjrt.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Everything that the plugin hands out is given back, whatever goes wrong. */
@EnabledIf(value = CpuPlugin.IS_WANTED, disabledReason = CpuPlugin.REASON)
class LeaksTest {
  private static final int DEVICES = 4;
  private static final int ROUNDS = 60;
  private static final int FAILING_LAUNCH = 7;

  @Test
  void allIsGivenBack() {
    CpuPlugin.assertNothingLives();
    long executions = counter("execute_count");
    try (PjrtClient client =
        CpuPlugin.client(
            Map.of("num_devices", (long) DEVICES, "fail_launch_id", (long) FAILING_LAUNCH))) {
      assertThat(CpuPlugin.living()).isEqualTo(Map.of("live_clients", 1L));
      try (PjrtExecutable add = client.compile(Programs.ADD, CompileOptions.on(client.devices()))) {
        Map<String, Long> before = CpuPlugin.living();
        for (int round = 0; round < ROUNDS; round++) {
          goThrough(client, add, round);
          assertThat(CpuPlugin.living()).as("after round %s", round).isEqualTo(before);
        }
      }
      assertThat(CpuPlugin.living()).isEqualTo(Map.of("live_clients", 1L));
    }
    CpuPlugin.assertNothingLives();
    assertThat(counter("execute_count") - executions).isGreaterThanOrEqualTo(ROUNDS * DEVICES);
  }

  private static void goThrough(PjrtClient client, PjrtExecutable add, int round) {
    List<PjrtBuffer> own = new ArrayList<>();
    try {
      List<List<PjrtBuffer>> arguments = new ArrayList<>();
      for (PjrtDevice device : client.devices()) {
        HostBufferSemantics semantics =
            round % 2 == 0
                ? HostBufferSemantics.IMMUTABLE_ONLY_DURING_CALL
                : HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES;
        PjrtBuffer x =
            client.upload(HostMemory.of(1, 2, 3, round), Programs.FOUR, device, semantics);
        own.add(x);
        PjrtBuffer y = x.copyToDevice(device);
        own.add(y);
        arguments.add(List.of(x, y));
      }
      add.execute(arguments)
          .forEach(
              results -> {
                assertThat(HostMemory.floats(results.get(0))).containsExactly(2, 4, 6, 2 * round);
                own.addAll(results);
              });
      own.get(0).awaitReady();
      fail(() -> add.execute(arguments, new ExecuteOptions(FAILING_LAUNCH, List.of())));
      fail(() -> add.execute(arguments.stream().map(list -> list.subList(0, 1)).toList()));
      fail(() -> CpuPlugin.client(Map.of("bogus", 1L)));
      fail(() -> client.deserialize(new byte[round]));
      own.get(1).delete();
      fail(() -> own.get(1).download());
      fail(() -> own.get(1).awaitReady());
      fail(() -> add.execute(arguments));
      if (round % 20 == 0) {
        compileAndFail(client, add, own, arguments);
      }
    } finally {
      own.forEach(PjrtBuffer::close);
    }
  }

  private static void compileAndFail(
      PjrtClient client,
      PjrtExecutable add,
      List<PjrtBuffer> own,
      List<List<PjrtBuffer>> arguments) {
    try (PjrtExecutable again = client.deserialize(add.serialize());
        PjrtExecutable donating = client.compile(Programs.DONATING, CompileOptions.single())) {
      assertThat(again.devices()).isEqualTo(add.devices());
      own.addAll(donating.execute(List.of(arguments.get(0).subList(0, 1))).get(0));
      fail(() -> donating.execute(List.of(arguments.get(0).subList(0, 1))));
    }
    fail(() -> client.compile("module {}", CompileOptions.single()));
    fail(() -> client.compile(Programs.ADD.replace("%x, %y", "%x, %z"), CompileOptions.single()));
  }

  private static void fail(Runnable call) {
    assertThatExceptionOfType(PjrtException.class).isThrownBy(call::run);
  }

  private static long counter(String name) {
    return (Long) CpuPlugin.load().attributes().getOrDefault(name, 0L);
  }
}
