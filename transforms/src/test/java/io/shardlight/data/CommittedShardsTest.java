package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CommittedShardsTest {
  private final ObjectStore store;

  CommittedShardsTest(@TempDir Path folder) {
    this.store = ObjectStore.open(folder.toString());
  }

  private void commit(int shard) throws IOException {
    ShardFacts facts =
        new ShardFacts(
            shard,
            "fingerprint",
            "ids",
            1,
            0,
            0,
            0,
            1,
            Optional.empty(),
            List.of(StoredObject.of("manifest/0.avro", new byte[1])));
    store.create(DatasetPaths.marker(shard), facts.toJson().getBytes(StandardCharsets.UTF_8));
  }

  /** Whose reads wait until so many are under way. */
  private ObjectStore answeringOnceAskedFor(int reads) {
    CountDownLatch asked = new CountDownLatch(reads);
    return (ObjectStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("read")) {
                asked.countDown();
                assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
              }
              if (method.isDefault()) {
                return java.lang.reflect.InvocationHandler.invokeDefault(proxy, method, arguments);
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void markersAreReadAtTheSameTimeAndListedInOrder() throws IOException {
    for (int shard = 11; shard >= 0; shard--) {
      commit(shard);
    }
    commit(100_000);

    List<ShardFacts> listed = CommittedShards.list(answeringOnceAskedFor(8));

    assertThat(listed)
        .extracting(ShardFacts::shard)
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100_000);
    assertThat(CommittedShards.listBut(store, Set.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)))
        .extracting(ShardFacts::shard)
        .containsExactly(10, 11, 100_000);
  }

  @Test
  void aMarkerThatIsDamagedIsNamed() throws IOException {
    commit(0);
    commit(2);
    store.create(DatasetPaths.marker(1), new byte[] {'{'});

    assertThatThrownBy(() -> CommittedShards.list(store))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("_shards/00001.json in " + store.root());
  }
}
