package io.shardlight.verify;

import io.shardlight.data.ShardFacts;
import io.shardlight.data.StoredObject;
import java.util.Optional;
import java.util.SortedSet;

/**
 * What was found of one shard.
 *
 * @param facts content of its marker, if that is one of this dataset
 * @param problems none if the shard is whole
 * @param remove objects of the shard that are in the way of making it again
 * @param markerIsRight whether nothing contradicts the marker
 * @param rowsRead whether a manifest could be read to its end
 * @param ids of its rows
 * @param imageIds ids of the rows with an image
 * @param sidecar length and hash of the lines that its images have there
 * @param objects objects that were read
 * @param bytes bytes that were read
 */
record VerifiedShard(
    int number,
    Optional<ShardFacts> facts,
    Problems problems,
    SortedSet<String> remove,
    boolean markerIsRight,
    boolean rowsRead,
    IdList ids,
    IdList imageIds,
    StoredObject sidecar,
    long objects,
    long bytes) {
  boolean isWhole() {
    return problems.isEmpty();
  }
}
