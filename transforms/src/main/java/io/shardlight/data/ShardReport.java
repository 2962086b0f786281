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
   * @param blocked images that were drawn and not kept
   * @param flagged images, kept or not, in which a safety checker found something
   */
  public record Made(long asked, long attempted, long ok, long blocked, long flagged) {
    /** Where no safety checker looked. */
    public Made(long asked, long attempted, long ok) {
      this(asked, attempted, ok, 0, 0);
    }

    /** Examples that could not be drawn. */
    public long failed() {
      return attempted - ok - blocked;
    }
  }

  /**
   * Depends on devices and luck; never part of the dataset.
   *
   * @param batches calls of the generator
   * @param paddedSlots device slots that had nothing to draw
   * @param containment what went wrong and was dealt with
   * @param deviceMillis time the devices worked
   * @param workMillis time of a JVM at work on shards that falls to this one; those of all shards
   *     together are the time in which a device could have been busy
   * @param startMillis when the shard was begun, since 1970
   * @param totalMillis time from beginning to commit
   * @param stages how long its parts took
   */
  public record Work(
      int batches,
      long paddedSlots,
      Containment containment,
      long deviceMillis,
      long workMillis,
      long startMillis,
      long totalMillis,
      Stages stages) {
    public static final Work NONE = new Work(0, 0, Containment.NONE, 0, 0, 0, 0, Stages.NONE);
  }

  /**
   * Faults that cost time and no image.
   *
   * @param retries calls tried again after a fault that passes
   * @param splits batches that failed and were halved to find the culprit
   * @param oomHalvings batches that the devices' memory did not take
   */
  public record Containment(int retries, int splits, int oomHalvings) {
    public static final Containment NONE = new Containment(0, 0, 0);
  }

  /**
   * Durations of what a shard goes through.
   *
   * @param generate a call of the generator
   * @param encode an image
   * @param write an image, into the dataset or the archive that will be a part of it
   * @param commit a shard: archive, manifests, marker
   */
  public record Stages(Durations generate, Durations encode, Durations write, Durations commit) {
    public static final Stages NONE =
        new Stages(Durations.NONE, Durations.NONE, Durations.NONE, Durations.NONE);
  }
}
