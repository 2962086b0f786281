package io.shardlight.transforms;

import io.shardlight.data.Durations;
import io.shardlight.data.ShardReport;
import java.io.IOException;

/**
 * The work on one shard and what it takes, from its beginning to its end. Work that is closed
 * before it is done counts for nothing. For one thread, but for the recorders.
 */
final class ShardWork implements AutoCloseable {
  /** Makes the shard part of the dataset. */
  interface Commit<T> {
    T run() throws IOException;
  }

  private final WorkClock clock;
  private final BatchGeneration batches;
  private final Durations.Recorder encodeTimes = new Durations.Recorder();
  private final Durations.Recorder writeTimes = new Durations.Recorder();
  private final Durations.Recorder commitTimes = new Durations.Recorder();
  private final long startMillis = System.currentTimeMillis();
  private final long startNanos = System.nanoTime();
  private boolean done;

  /** Begins. */
  ShardWork(WorkClock clock, BatchGeneration batches) {
    this.clock = clock;
    this.batches = batches;
    clock.begin();
  }

  BatchGeneration batches() {
    return batches;
  }

  /** Takes how long the encoding of each image was. */
  Durations.Recorder encodeTimes() {
    return encodeTimes;
  }

  /** Takes how long the writing of each image was. */
  Durations.Recorder writeTimes() {
    return writeTimes;
  }

  /** Runs the commit and measures it. */
  <T> T commit(Commit<T> commit) throws IOException {
    long start = System.nanoTime();
    T result = commit.run();
    commitTimes.record(System.nanoTime() - start);
    return result;
  }

  /** Ends the work, once. */
  ShardReport.Work done() {
    long workNanos = clock.end();
    done = true;
    return new ShardReport.Work(
        batches.batches(),
        batches.paddedSlots(),
        batches.containment(),
        batches.deviceMillis(),
        workNanos / 1_000_000,
        startMillis,
        (System.nanoTime() - startNanos) / 1_000_000,
        new ShardReport.Stages(
            batches.durations(),
            encodeTimes.toDurations(),
            writeTimes.toDurations(),
            commitTimes.toDurations()));
  }

  @Override
  public void close() {
    if (!done) {
      clock.abandon();
    }
  }
}
