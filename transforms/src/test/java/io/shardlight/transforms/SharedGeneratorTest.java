package io.shardlight.transforms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SharedGeneratorTest {
  private final String id = UUID.randomUUID().toString();

  @Test
  void threadsThatComeAndGoNeverSeeAClosedOrASecondGenerator() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(1);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> users = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        users.add(
            threads.submit(
                () -> {
                  for (int round = 0; round < 200; round++) {
                    SharedGenerator shared = SharedGenerator.acquire(id, devices);
                    assertThat(devices.log().open).hasValue(1);
                    assertThat(shared.encoders().isShutdown()).isFalse();
                    shared.release();
                  }
                  return null;
                }));
      }
      for (Future<?> user : users) {
        user.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(devices.log().open).hasValue(0);
  }

  @Test
  void isLoadedOnceWhileAnyoneHasItAndAgainAfterTheLast() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(1);

    SharedGenerator first = SharedGenerator.acquire(id, devices);
    SharedGenerator second = SharedGenerator.acquire(id, devices);
    assertThat(second).isSameAs(first);
    assertThat(first.takeLoad()).isTrue();
    assertThat(second.takeLoad()).isFalse();
    first.release();
    assertThat(devices.log().open).hasValue(1);
    second.release();
    assertThat(devices.log().open).hasValue(0);
    SharedGenerator third = SharedGenerator.acquire(id, devices);
    assertThat(devices.log().loads).hasValue(2);
    third.release();
  }

  @Test
  void othersHaveTheirOwn() throws Exception {
    FakeDevices devices = FakeDevices.withSlots(1);
    SharedGenerator mine = SharedGenerator.acquire(id, devices);
    SharedGenerator other = SharedGenerator.acquire(id + "-2", devices);

    assertThat(other).isNotSameAs(mine);
    mine.release();
    other.release();
  }

  @Test
  void aLoadThatFailsLeavesNothingBehind() throws Exception {
    GeneratorFactory broken =
        () -> {
          throw new FileNotFoundException("unet.safetensors");
        };
    assertThatThrownBy(() -> SharedGenerator.acquire(id, broken))
        .isInstanceOf(FileNotFoundException.class);

    SharedGenerator shared = SharedGenerator.acquire(id, FakeDevices.withSlots(1));
    assertThat(shared.slots()).isEqualTo(1);
    shared.release();
  }
}
