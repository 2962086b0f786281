package io.shardlight.pipeline;

import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPart;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a job is whose workers are elsewhere: what its output holds, shard by shard. Thread-safe.
 */
final class StoredProgress implements Supplier<Progress> {
  private static final Logger LOG = LoggerFactory.getLogger(StoredProgress.class);

  /** A bucket lists so many objects in one answer. */
  private static final int SHARDS_A_PAGE = 1000;

  private final ObjectStore store;
  private final Duration interval;
  private final LongSupplier nanoClock;
  private Progress latest = new Progress(0, 0, OptionalLong.empty(), Duration.ZERO, Duration.ZERO);
  private OptionalLong lookedNanos = OptionalLong.empty();
  private OptionalLong startNanos = OptionalLong.empty();
  private final Map<Integer, Long> doneByShard = new HashMap<>();
  private long before;
  private Duration untilLast = Duration.ZERO;

  /**
   * @param interval how often to look, as a look at a bucket takes time and money; so much longer
   *     as there are more shards, that on average one page is listed in that time
   */
  StoredProgress(ObjectStore store, Duration interval, LongSupplier nanoClock) {
    this.store = store;
    this.interval = interval;
    this.nanoClock = nanoClock;
  }

  @Override
  public synchronized Progress get() {
    long now = nanoClock.getAsLong();
    int pages = 1 + doneByShard.size() / SHARDS_A_PAGE;
    if (lookedNanos.isPresent() && now - lookedNanos.getAsLong() < interval.toNanos() * pages) {
      return latest;
    }
    lookedNanos = OptionalLong.of(now);
    try {
      look(now);
    } catch (IOException | RuntimeException e) {
      // The next look may get through; the job does not depend on it.
      LOG.debug("No progress to show", e);
    }
    return latest;
  }

  private void look(long now) throws IOException {
    List<DatasetPart> parts = DatasetPart.list(store);
    if (parts.isEmpty()) {
      return;
    }
    for (ShardFacts facts : CommittedShards.listBut(store, doneByShard.keySet())) {
      doneByShard.put(facts.shard(), facts.rows() + facts.duplicates());
    }
    long done = doneByShard.values().stream().mapToLong(Long::longValue).sum();
    if (startNanos.isEmpty()) {
      startNanos = OptionalLong.of(now);
      before = done;
    }
    Duration since = Duration.ofNanos(now - startNanos.getAsLong());
    if (done != latest.done()) {
      untilLast = done == before ? Duration.ZERO : since;
    }
    latest =
        new Progress(
            done,
            done - before,
            OptionalLong.of(parts.stream().mapToLong(DatasetPart::examples).sum()),
            since,
            untilLast);
  }
}
