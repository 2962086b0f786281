package io.shardlight.verify;

import java.util.List;
import java.util.OptionalLong;
import java.util.SortedSet;

/**
 * What was found of a dataset.
 *
 * @param finished whether it says that it is complete
 * @param planned images asked for, duplicates included; empty if its plan can't be read
 * @param counts of what its shards hold
 * @param problems the first ones
 * @param problemCount of all
 * @param remove objects that are in the way of making what is damaged again, by the command that
 *     made the dataset
 * @param planLost whether its plan must be got from elsewhere before that
 * @param beyondRepair whether shards are damaged that no command makes again, as the dataset was
 *     extended
 * @param notes what is no damage, but good to know
 */
public record Verification(
    boolean finished,
    OptionalLong planned,
    Counts counts,
    List<Problem> problems,
    long problemCount,
    SortedSet<String> remove,
    boolean planLost,
    boolean beyondRepair,
    List<String> notes) {
  /**
   * @param shards that are complete
   * @param images rows with an image
   * @param rejected records that never became examples
   * @param objects that were read
   * @param bytes that were read
   */
  public record Counts(
      long shards,
      long images,
      long failed,
      long blocked,
      long duplicates,
      long rejected,
      long objects,
      long bytes) {}

  /** Whether the dataset is finished, and nothing is missing or damaged. */
  public boolean isWhole() {
    return finished && problemCount == 0;
  }
}
