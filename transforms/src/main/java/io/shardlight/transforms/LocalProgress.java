package io.shardlight.transforms;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How far the work on one output has come in this JVM, for a progress display next to a runner that
 * works in the same one; Beam's metrics arrive shard by shard only. Thread-safe.
 */
public final class LocalProgress {
  private static final Map<String, LocalProgress> BY_OUTPUT = new ConcurrentHashMap<>();

  private final AtomicLong planned = new AtomicLong();
  private final AtomicLong generated = new AtomicLong();
  private final Map<Integer, Long> doneByShard = new ConcurrentHashMap<>();

  private LocalProgress() {}

  /**
   * @param output as given to the transforms
   */
  public static LocalProgress of(String output) {
    return BY_OUTPUT.computeIfAbsent(output, name -> new LocalProgress());
  }

  /** Forgets what earlier runs in this JVM did. */
  public static void reset(String output) {
    BY_OUTPUT.remove(output);
  }

  /** Images asked for; 0 until they are counted, which is before the first is generated. */
  public long planned() {
    return planned.get();
  }

  /** Images that are settled: generated, failed, already present or duplicate. */
  public long done() {
    return doneByShard.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Images that the devices have drawn. */
  public long generated() {
    return generated.get();
  }

  void plan(long examples) {
    planned.set(examples);
  }

  /** A shard begins or is found to be done; what an earlier attempt did no longer counts. */
  void begin(int shard, long done) {
    doneByShard.put(shard, done);
  }

  void advance(int shard, long examples, long images) {
    doneByShard.merge(shard, examples, Long::sum);
    generated.addAndGet(images);
  }
}
