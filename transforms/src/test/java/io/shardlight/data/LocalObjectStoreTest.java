package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalObjectStoreTest extends ObjectStoreContract {
  private final Path dataset;
  private final ObjectStore store;

  LocalObjectStoreTest(@TempDir Path folder) {
    this.dataset = folder.resolve("dataset");
    this.store = ObjectStore.open(dataset.toString());
  }

  @Override
  ObjectStore store() {
    return store;
  }

  @AfterEach
  void leavesNoTemporaries() {
    Path temporaries = dataset.resolve(".tmp");
    if (Files.exists(temporaries)) {
      assertThat(temporaries).isEmptyDirectory();
    }
  }

  @Test
  void discardsWhatOthersLeftLongAgo() throws Exception {
    store.create("m/1", bytes(""));
    Path temporaries = Files.createDirectories(dataset.resolve(".tmp"));
    Path abandoned = Files.createFile(temporaries.resolve("left-behind"));
    Path live = Files.createFile(temporaries.resolve("live"));

    assertThat(store.list("")).containsExactly("m/1");

    Instant begun = Instant.now().minus(Duration.ofMinutes(1));
    Files.setLastModifiedTime(abandoned, FileTime.from(begun.minusSeconds(1)));
    store.discardTemporaries(begun);
    assertThat(temporaries).isDirectoryContaining(file -> file.equals(live));
    assertThat(abandoned).doesNotExist();
    Files.delete(live);
    store.discardTemporaries(Instant.now().plusSeconds(1));
    assertThat(temporaries).doesNotExist();
    store.discardTemporaries(Instant.now().plusSeconds(1));
  }

  @Test
  void writersDoNotMindThatOthersClearAway() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService other = Executors.newSingleThreadExecutor();
    Future<Integer> clearing =
        other.submit(
            () -> {
              int rounds = 0;
              for (; !done.get(); rounds++) {
                store.discardTemporaries(Instant.EPOCH);
              }
              return rounds;
            });
    try {
      for (int i = 0; i < 1000; i++) {
        assertThat(store.create("m/" + i, bytes(""))).isEqualTo(ObjectStore.Creation.CREATED);
      }
    } finally {
      done.set(true);
      other.shutdown();
    }
    assertThat(clearing.get()).isPositive();
  }

  @Test
  void refusesPlacesItCannotWriteTo() {
    assertThatThrownBy(() -> ObjectStore.open("s3://bucket/dataset"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("output must be a local directory or gs://bucket/folder")
        .hasMessageContaining("s3://bucket/dataset");
    assertThatThrownBy(() -> ObjectStore.requireRoot("gs://Bucket/dataset"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lower-case letters");
    assertThatThrownBy(() -> ObjectStore.requireRoot("gs://bucket/a//b"))
        .isInstanceOf(IllegalArgumentException.class);
    ObjectStore.requireRoot("gs://bucket/a/b/");
    ObjectStore.requireRoot(dataset.toUri().toString());
  }
}
