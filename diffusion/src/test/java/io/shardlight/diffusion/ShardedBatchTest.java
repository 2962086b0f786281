package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.shardlight.diffusion.ShardedBatch.Slot;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.scheduler.SchedulerKind;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShardedBatchTest {
  private static ImageRequest request(int seed, int widthPixels) {
    return new ImageRequest(
        "a prompt", "", PrngKey.ofSeed(seed), widthPixels, 64, SchedulerKind.PNDM, 50, 7.5f);
  }

  private static List<ImageRequest> requests(int count) {
    return IntStream.range(0, count).mapToObj(seed -> request(seed, 64)).toList();
  }

  @Test
  void splitsTheLeadingAxisOverTheDevices() {
    ShardedBatch batch = ShardedBatch.shard(requests(6), 3, 2);
    assertThat(batch.slices()).hasSize(3);
    assertThat(batch.slices().get(1)).extracting(Slot::index).containsExactly(2, 3);
    assertThat(batch.slices().stream().flatMap(List::stream)).allMatch(Slot::live);
  }

  @Test
  void padsAShortBatchWithItsLastRequestAndMasksThePadding() {
    List<ImageRequest> requests = requests(5);
    List<Slot> slots =
        ShardedBatch.shard(requests, 4, 2).slices().stream().flatMap(List::stream).toList();
    assertThat(slots).hasSize(8);
    assertThat(slots).extracting(Slot::index).containsExactly(0, 1, 2, 3, 4, 4, 4, 4);
    assertThat(slots)
        .extracting(Slot::live)
        .containsExactly(true, true, true, true, true, false, false, false);
    assertThat(slots.get(7).request()).isEqualTo(requests.get(4));
  }

  @Test
  void refusesMoreRequestsThanSlotsAndNone() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardedBatch.shard(requests(9), 4, 2))
        .withMessageContaining("1 to 8")
        .withMessageContaining("got 9");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardedBatch.shard(List.of(), 1, 1))
        .withMessageContaining("got 0");
  }

  @Test
  void refusesRequestsOfDifferentSize() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardedBatch.shard(List.of(request(0, 64), request(1, 72)), 1, 2))
        .withMessageContaining("64x64")
        .withMessageContaining("72x64");
  }
}
