package io.shardlight.data;

import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * What became of one shard.
 *
 * @param facts of the whole shard, the same however often and wherever it is made
 * @param alreadyPresent whether an earlier run or attempt had committed it, so that nothing was
 *     generated
 * @param made what came of the examples that this run asked for
 * @param work what it took this time; {@link Work#NONE} if already present
 */
@DefaultCoder(ShardReportCoder.class)
public record ShardReport(
    ShardKey key, ShardFacts facts, boolean alreadyPresent, Made made, Work work) {
  /**
   * Images that this run asked of the shard.
   *
   * @param asked examples, duplicates included
   * @param attempted examples that were given to the devices
   * @param ok images that came of these
   */
  public record Made(long asked, long attempted, long ok) {}

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

    /** The same with all the time until now. */
    public Work untilNow() {
      return new Work(
          batches,
          paddedSlots,
          generateMillis,
          startMillis,
          Math.max(totalMillis, System.currentTimeMillis() - startMillis));
    }
  }
}
