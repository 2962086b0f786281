package io.shardlight.data;

import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * What became of one shard.
 *
 * @param facts the same however often and wherever the shard is made
 * @param alreadyPresent whether an earlier run or attempt had committed it, so that nothing was
 *     generated
 * @param work what it took this time; {@link Work#NONE} if already present
 */
@DefaultCoder(ShardReportCoder.class)
public record ShardReport(ShardKey key, ShardFacts facts, boolean alreadyPresent, Work work) {
  /**
   * Depends on devices and luck; never part of the dataset.
   *
   * @param batches calls of the generator
   * @param paddedSlots device slots that had nothing to draw
   * @param generateMillis time the devices worked
   * @param startMillis when the shard was begun, since 1970
   * @param totalMillis time from beginning to commit
   */
  public record Work(
      int batches, long paddedSlots, long generateMillis, long startMillis, long totalMillis) {
    public static final Work NONE = new Work(0, 0, 0, 0, 0);
  }
}
