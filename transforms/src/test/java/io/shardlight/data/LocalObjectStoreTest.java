package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ObjectStore.Creation;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ObjectStoreTest {
  private final Path folder;
  private final ObjectStore store;

  ObjectStoreTest(@TempDir Path folder) {
    this.folder = folder;
    this.store = ObjectStore.open(folder.resolve("dataset").toString());
  }

  @Test
  void createsOnceAndNeverReplaces() throws Exception {
    assertThat(store.create("a/b.txt", bytes("first"))).isEqualTo(Creation.CREATED);
    assertThat(store.create("a/b.txt", bytes("second"))).isEqualTo(Creation.EXISTS);

    assertThat(read("a/b.txt")).isEqualTo("first");
    assertThat(store.exists("a/b.txt")).isTrue();
    assertThat(store.exists("a/c.txt")).isFalse();
  }

  @Test
  void createsFromALocalFile() throws Exception {
    Path spool = Files.write(folder.resolve("spool"), new byte[3_000_000]);

    assertThat(store.create("big", spool)).isEqualTo(Creation.CREATED);
    assertThat(store.createOrAdopt("big", spool)).isEqualTo(Creation.EXISTS);
    assertThat(folder.resolve("dataset/big")).hasSize(3_000_000);
  }

  @Test
  void replacesWhatIsThereAsAWhole() throws Exception {
    Path spool = Files.writeString(folder.resolve("spool"), "new");

    store.replace("gallery/index.html", spool);
    assertThat(read("gallery/index.html")).isEqualTo("new");
    Files.writeString(spool, "newer");
    try (InputStream open = store.read("gallery/index.html")) {
      store.replace("gallery/index.html", spool);
      assertThat(open.readAllBytes()).asString(UTF_8).isEqualTo("new");
    }

    assertThat(read("gallery/index.html")).isEqualTo("newer");
    assertThat(folder.resolve("dataset/.tmp")).isEmptyDirectory();
    assertThatThrownBy(() -> store.replace("../x", spool))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void adoptsTheSameBytesAndRefusesOthers() throws Exception {
    store.create("x", bytes("0123456789"));

    assertThat(store.createOrAdopt("x", bytes("0123456789"))).isEqualTo(Creation.EXISTS);
    assertThatThrownBy(() -> store.createOrAdopt("x", bytes("01234-6789")))
        .isInstanceOf(ObjectConflictException.class)
        .hasMessageContaining("from offset 5 on");
    assertThatThrownBy(() -> store.createOrAdopt("x", bytes("01234")))
        .isInstanceOf(ObjectConflictException.class);
  }

  @Test
  void ofManyRacingWritersOneCreatesAndNoneIsSeenHalf() throws Exception {
    byte[] content = new byte[200_000];
    ExecutorService writers = Executors.newFixedThreadPool(8);
    try {
      for (int round = 0; round < 20; round++) {
        String name = "races/" + round;
        List<Future<Creation>> tries = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
          tries.add(
              writers.submit(
                  () -> {
                    Creation creation = store.create(name, content);
                    assertThat(folder.resolve("dataset").resolve(name)).hasBinaryContent(content);
                    return creation;
                  }));
        }
        int created = 0;
        for (Future<Creation> one : tries) {
          created += one.get() == Creation.CREATED ? 1 : 0;
        }
        assertThat(created).isEqualTo(1);
      }
    } finally {
      writers.shutdownNow();
    }
    assertThat(folder.resolve("dataset/.tmp")).isEmptyDirectory();
  }

  @Test
  void listsSortedWithoutTemporaries() throws Exception {
    store.create("m/2", bytes(""));
    store.create("m/1", bytes(""));
    store.create("m1", bytes(""));
    Path temporaries = Files.createDirectories(folder.resolve("dataset/.tmp"));
    Path abandoned = Files.createFile(temporaries.resolve("left-behind"));
    Path live = Files.createFile(temporaries.resolve("live"));

    assertThat(store.list("m/")).containsExactly("m/1", "m/2");
    assertThat(store.list("")).containsExactly("m/1", "m/2", "m1");
    assertThat(store.list("none/")).isEmpty();

    Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now().minus(Duration.ofHours(25))));
    store.discardTemporaries();
    assertThat(temporaries).isDirectoryContaining(file -> file.equals(live));
    assertThat(abandoned).doesNotExist();
    Files.delete(live);
    store.discardTemporaries();
    assertThat(temporaries).doesNotExist();
    store.discardTemporaries();
  }

  @Test
  void refusesPlacesItCannotWriteToAndNamesOutside() {
    assertThatThrownBy(() -> ObjectStore.open("gs://bucket/dataset"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("output must be a local directory")
        .hasMessageContaining("gs:// cannot be written to yet");
    assertThatThrownBy(() -> store.create("../outside", bytes("")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.read("absent")).isInstanceOf(NoSuchFileException.class);
  }

  private String read(String name) throws Exception {
    try (var in = store.read(name)) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
