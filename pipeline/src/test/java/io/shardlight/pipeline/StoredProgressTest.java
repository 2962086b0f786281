package io.shardlight.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredProgressTest {
  private final Path folder;
  private final StoredProgress progress;
  private long now;

  StoredProgressTest(@TempDir Path folder) {
    this.folder = folder;
    this.progress =
        new StoredProgress(ObjectStore.open(folder.toString()), Duration.ofSeconds(2), () -> now);
  }

  private String after(int seconds) {
    now += TimeUnit.SECONDS.toNanos(seconds);
    return progress.get().line();
  }

  private void commit(int shard, int ok, int failed, int duplicates) throws IOException {
    Files.writeString(
        folder.resolve("_shards/%05d.json".formatted(shard)),
        new ShardFacts(
                shard,
                "fingerprint",
                "ids",
                ok,
                failed,
                0,
                duplicates,
                1,
                Optional.empty(),
                List.of(StoredObject.of("manifest/0.avro", new byte[1])))
            .toJson());
  }

  @Test
  void countsWhatTheOutputHolds() throws IOException {
    assertThat(after(0)).isEqualTo("counting the prompts");
    Files.createDirectory(folder.resolve("_shards"));
    Files.writeString(folder.resolve("_shards/plan.json"), "{\"examples\": 20}");
    commit(0, 4, 0, 0);
    assertThat(after(2)).isEqualTo("4 of 20 images (20 %)");

    commit(1, 3, 1, 1);
    // Not yet: a look at a bucket costs time.
    assertThat(after(1)).isEqualTo("4 of 20 images (20 %)");
    assertThat(after(9)).isEqualTo("9 of 20 images (45 %), 0.500 images/s, 22 s left");
    assertThat(after(10)).isEqualTo("9 of 20 images (45 %), 0.500 images/s, 12 s left");
  }

  @Test
  void looksAreRarerWhereThereIsMoreToList() throws IOException {
    Files.createDirectory(folder.resolve("_shards"));
    Files.writeString(folder.resolve("_shards/plan.json"), "{\"examples\": 4000}");
    for (int shard = 0; shard < 2000; shard++) {
      commit(shard, 1, 0, 0);
    }
    assertThat(after(2)).startsWith("2000 of 4000 images");
    commit(2000, 1, 0, 0);
    assertThat(after(5)).startsWith("2000 of 4000 images");
    assertThat(after(1)).startsWith("2001 of 4000 images");
  }

  @Test
  void aDamagedMarkerDoesNotEndTheDisplay() throws IOException {
    Files.createDirectory(folder.resolve("_shards"));
    Files.writeString(folder.resolve("_shards/plan.json"), "{\"examples\": 20}");
    assertThat(after(2)).isEqualTo("0 of 20 images (0 %)");
    Files.writeString(folder.resolve("_shards/00000.json"), "{");
    assertThat(after(2)).isEqualTo("0 of 20 images (0 %)");
  }
}
