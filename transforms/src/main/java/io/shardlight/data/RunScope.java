package io.shardlight.data;

import java.io.IOException;
import java.io.Serializable;
import java.util.List;

/**
 * Which part of a dataset a run is to make, found from its mode and from what the output holds when
 * the job is submitted. A dataset has one part, and one more for each time it was extended; a part
 * has its own plan, and its shards follow those of the parts before.
 *
 * @param part from 0
 * @param firstShard number of the part's first shard
 */
public record RunScope(DatasetMode mode, int part, int firstShard) implements Serializable {
  /** The first part, made or gone on with. */
  public static final RunScope INCREMENTAL = new RunScope(DatasetMode.INCREMENTAL, 0, 0);

  /**
   * The scope of a run on an output. To extend what is not there yet, or not finished, is to make
   * it.
   */
  public static RunScope of(DatasetMode mode, ObjectStore store) throws IOException {
    if (mode != DatasetMode.EXTEND) {
      return new RunScope(mode, 0, 0);
    }
    List<DatasetPart> parts = DatasetPart.list(store);
    if (parts.isEmpty()) {
      return new RunScope(mode, 0, 0);
    }
    DatasetPart last = parts.get(parts.size() - 1);
    return DatasetPart.isFinished(store, last.number())
        ? new RunScope(mode, last.number() + 1, CommittedShards.numbers(store).size())
        : new RunScope(mode, last.number(), last.firstShard());
  }

  /** Whether the run adds a part to others. */
  public boolean addsPart() {
    return part > 0;
  }

  public boolean retriesFailed() {
    return mode == DatasetMode.RETRY_FAILED;
  }

  /** Whether there are shards that the run leaves alone, beside those it makes. */
  public boolean isPartial() {
    return addsPart() || retriesFailed();
  }

  /** Whether a shard's marker from before tells nothing of what this run has to do. */
  public boolean makesAgain() {
    return retriesFailed() || mode == DatasetMode.OVERWRITE;
  }
}
