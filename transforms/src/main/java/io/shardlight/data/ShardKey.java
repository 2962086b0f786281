package io.shardlight.data;

import java.util.Locale;
import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * The shard an example belongs to.
 *
 * @param number from 0, without gaps over the whole dataset
 * @param shape of all the shard's batches
 */
@DefaultCoder(ShardKeyCoder.class)
public record ShardKey(int number, BatchShape shape) {
  /** Five digits, as the shard's files are named. */
  public String name() {
    return String.format(Locale.ROOT, "%05d", number);
  }
}
