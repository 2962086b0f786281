package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.data.ObjectStore.Creation;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every store does, whatever it lies on. */
abstract class ObjectStoreContract {
  @TempDir Path spools;

  abstract ObjectStore store();

  @Test
  void createsOnceAndNeverReplaces() throws Exception {
    assertThat(store().create("a/b.txt", bytes("first"))).isEqualTo(Creation.CREATED);
    assertThat(store().create("a/b.txt", bytes("second"))).isEqualTo(Creation.EXISTS);

    assertThat(read("a/b.txt")).isEqualTo("first");
    assertThat(store().exists("a/b.txt")).isTrue();
    assertThat(store().exists("a/c.txt")).isFalse();
    assertThat(store().exists("a")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3_000_000, (8 << 20) - 1, 8 << 20, (9 << 20) + 17})
  void createsFromALocalFile(int size) throws Exception {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    Path spool = Files.write(spools.resolve("spool"), content);

    assertThat(store().create("big", spool)).isEqualTo(Creation.CREATED);
    assertThat(store().create("big", spool)).isEqualTo(Creation.EXISTS);
    assertThat(store().createOrAdopt("big", spool)).isEqualTo(Creation.EXISTS);
    try (InputStream in = store().read("big")) {
      assertThat(in.readAllBytes()).isEqualTo(content);
    }
  }

  @Test
  void replacesWhatIsThereAsAWhole() throws Exception {
    Path spool = Files.writeString(spools.resolve("spool"), "new");

    store().replace("gallery/index.html", spool);
    assertThat(read("gallery/index.html")).isEqualTo("new");
    Files.writeString(spool, "newer");
    try (InputStream open = store().read("gallery/index.html")) {
      store().replace("gallery/index.html", spool);
      assertThat(open.readAllBytes()).asString(UTF_8).isEqualTo("new");
    }

    assertThat(read("gallery/index.html")).isEqualTo("newer");
    assertThatThrownBy(() -> store().replace("../x", spool))
        .isInstanceOf(IllegalArgumentException.class);
    Files.write(spool, new byte[9 << 20]);
    store().replace("gallery/index.html", spool);
    store().replace("gallery/index.html", spool);
    assertThat(read("gallery/index.html")).hasSize(9 << 20);
  }

  @Test
  void adoptsTheSameBytesAndRefusesOthers() throws Exception {
    store().create("x", bytes("0123456789"));
    Path same = Files.writeString(spools.resolve("same"), "0123456789");
    Path other = Files.writeString(spools.resolve("other"), "0123456-89");

    assertThat(store().createOrAdopt("x", bytes("0123456789"))).isEqualTo(Creation.EXISTS);
    assertThat(store().createOrAdopt("x", same)).isEqualTo(Creation.EXISTS);
    assertThatThrownBy(() -> store().createOrAdopt("x", bytes("01234-6789")))
        .isInstanceOf(ObjectConflictException.class)
        .hasMessageContaining("from offset 5 on");
    assertThatThrownBy(() -> store().createOrAdopt("x", bytes("01234")))
        .isInstanceOf(ObjectConflictException.class);
    assertThatThrownBy(() -> store().createOrAdopt("x", bytes("0123456789a")))
        .isInstanceOf(ObjectConflictException.class);
    assertThatThrownBy(() -> store().createOrAdopt("x", other))
        .isInstanceOf(ObjectConflictException.class)
        .hasMessageContaining("from offset 7 on");
    assertThat(read("x")).isEqualTo("0123456789");
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
                    Creation creation = store().create(name, content);
                    try (InputStream in = store().read(name)) {
                      assertThat(in.readAllBytes()).isEqualTo(content);
                    }
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
    store().discardTemporaries(Instant.now());
    assertThat(store().list("")).hasSize(20);
  }

  @Test
  void deletesManyAndMissesNone() throws Exception {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 103; i++) {
      names.add("m/" + i);
      store().create("m/" + i, bytes(""));
    }
    store().create("m/kept", bytes("kept"));
    names.add("absent/too");

    store().delete(names);
    store().delete(List.of());
    store().delete(List.of("m/1"));

    assertThat(store().list("")).containsExactly("m/kept");
    assertThat(store().create("m/1", bytes(""))).isEqualTo(Creation.CREATED);
    assertThatThrownBy(() -> store().delete(List.of("../x")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readsParts() throws Exception {
    byte[] content = new byte[300_000];
    new Random(1).nextBytes(content);
    store().create("x", content);

    for (int[] part :
        new int[][] {
          {0, 1}, {0, 300_000}, {99_999, 1}, {65_536, 65_536}, {299_999, 1}, {200_000, 200_000}
        }) {
      try (InputStream in = store().read("x", part[0], part[1])) {
        assertThat(in.readAllBytes())
            .as("%d bytes from %d on", part[1], part[0])
            .isEqualTo(Arrays.copyOfRange(content, part[0], Math.min(300_000, part[0] + part[1])));
      }
    }
    try (InputStream in = store().read("x", 300_000, 5)) {
      assertThat(in.read()).isNegative();
    }
    try (InputStream in = store().read("x", 7, 100)) {
      in.skipNBytes(90);
      assertThat(in.read()).isEqualTo(content[97] & 0xff);
      assertThat(in.readAllBytes()).hasSize(9);
    }
    assertThatThrownBy(() -> store().read("absent", 0, 1)).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void listsSorted() throws Exception {
    assertThat(store().list("")).isEmpty();
    for (String name : List.of("m/2", "m/1", "m1", "a/b/c", "m/1.json")) {
      store().create(name, bytes(""));
    }

    assertThat(store().list("m/")).containsExactly("m/1", "m/1.json", "m/2");
    assertThat(store().list("m/1")).containsExactly("m/1", "m/1.json");
    assertThat(store().list("")).containsExactly("a/b/c", "m/1", "m/1.json", "m/2", "m1");
    assertThat(store().list("none/")).isEmpty();
  }

  @Test
  void findsWhatLiesInTheRoot() throws Exception {
    assertThat(store().findEntry(name -> true)).isEmpty();
    store().create("a/b/c", bytes(""));
    store().create("x.txt", bytes(""));

    assertThat(store().findEntry(name -> name.startsWith("x"))).contains("x.txt");
    assertThat(store().findEntry(name -> !name.equals("x.txt") && !name.startsWith(".")))
        .contains("a");
    assertThat(store().findEntry(name -> name.equals("b"))).isEmpty();
  }

  @Test
  void namesMayHoldAnyText() throws Exception {
    for (String name : List.of("ü x/#1?.png", "a+b/100%/[*].json", "猫/%2F&=;'\"", "...")) {
      assertThat(store().create(name, bytes(name))).isEqualTo(Creation.CREATED);
      assertThat(store().createOrAdopt(name, bytes(name))).isEqualTo(Creation.EXISTS);
      assertThat(read(name)).isEqualTo(name);
      assertThat(store().list(name)).containsExactly(name);
    }
  }

  @Test
  void namesStayBelowTheRoot() {
    for (String name : List.of("../outside", "a/../../b")) {
      assertThatThrownBy(() -> store().create(name, bytes("")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("must stay below the root, but was \"" + name + "\"");
      assertThatThrownBy(() -> store().exists(name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void whatIsAbsentIsSaidToBe() throws Exception {
    assertThatThrownBy(() -> store().read("absent")).isInstanceOf(NoSuchFileException.class);
    assertThat(store().exists("absent")).isFalse();
    assertThatThrownBy(() -> store().create("x", spools.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(store().exists("x")).isFalse();
  }

  final String read(String name) throws Exception {
    try (InputStream in = store().read(name)) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }
}
