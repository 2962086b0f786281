package io.shardlight.transforms;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.ShardFacts;
import java.util.List;
import java.util.Optional;

/**
 * What has come of the images that some shards were asked for.
 *
 * @param flagged of those ok or blocked, in how many a safety checker found something; empty if
 *     none looked
 */
record ShardCounts(long ok, long failed, long blocked, Optional<Long> flagged, long duplicates) {
  static ShardCounts of(List<ShardFacts> shards) {
    return new ShardCounts(
        shards.stream().mapToLong(ShardFacts::ok).sum(),
        shards.stream().mapToLong(ShardFacts::failed).sum(),
        shards.stream().mapToLong(ShardFacts::blocked).sum(),
        shards.stream().flatMap(facts -> facts.flagged().stream()).reduce(Long::sum),
        shards.stream().mapToLong(ShardFacts::duplicates).sum());
  }

  /** Images with a row. */
  long rows() {
    return ok + failed + blocked;
  }

  /** All images asked for. */
  long all() {
    return rows() + duplicates;
  }

  ObjectNode json(long asked, long rejected) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("asked", asked);
    json.put("ok", ok);
    json.put("failed", failed);
    json.put("blocked", blocked);
    flagged.ifPresent(count -> json.put("flagged", count));
    json.put("duplicates", duplicates);
    json.put("rejected", rejected);
    return json;
  }
}
