package io.shardlight.transforms;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CanonicalJson;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ExampleStatus;
import io.shardlight.data.InOrder;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;

/**
 * {@code metadata.jsonl} of the Hugging Face imagefolder: a line for every image there is, in order
 * of the manifests, from which it is copied. Columns that were carried along stand beside ours,
 * unless they have the name of one. {@code nsfw} and its score are there if a safety checker
 * looked.
 */
public final class Sidecar {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MOST_MANIFESTS = 16;
  private static final long ROWS_AT_ONCE = 50_000;

  private Sidecar() {}

  /**
   * Reads several manifests at once, as a bucket answers slowly.
   *
   * @param shards by number
   * @throws IOException also if a manifest isn't what its marker says
   */
  static void write(ObjectStore store, List<ShardFacts> shards)
      throws IOException, InterruptedException {
    Path spool = Files.createTempFile("shardlight-metadata", ".jsonl");
    try {
      try (BufferedWriter lines = Files.newBufferedWriter(spool, StandardCharsets.UTF_8)) {
        InOrder.forEach(
            shards,
            manifestsAtOnce(shards),
            shard -> lines(store, shard),
            (shard, text) -> lines.write(text));
      }
      store.createOrAdopt(DatasetPaths.SIDECAR, spool);
    } finally {
      Files.deleteIfExists(spool);
    }
  }

  /** As two for each thread wait with their text in memory, fewer of large ones. */
  private static int manifestsAtOnce(List<ShardFacts> shards) {
    long rows = shards.stream().mapToLong(ShardFacts::rows).max().orElse(0);
    return (int) Math.max(1, Math.min(MOST_MANIFESTS, ROWS_AT_ONCE / Math.max(1, rows)));
  }

  private static String lines(ObjectStore store, ShardFacts shard) throws IOException {
    StringBuilder lines = new StringBuilder();
    CommittedShards.forEachRow(
        store,
        shard,
        row -> {
          if (ExampleStatus.OK.isOf(row)) {
            lines.append(line(row));
          }
        });
    return lines.toString();
  }

  /**
   * The line of an image, with its line end.
   *
   * @param row in the manifest's schema, of status {@code ok}
   */
  public static String line(GenericRecord row) {
    ObjectNode line = JSON.createObjectNode();
    if (row.get("carried") instanceof Map<?, ?> carried) {
      carried.forEach((name, value) -> line.put(name.toString(), value.toString()));
    }
    line.put("file_name", row.get("file_name").toString());
    line.put("text", row.get("prompt").toString());
    for (String name :
        List.of("negative_prompt", "prompt_id", "example_id", "scheduler", "sha256")) {
      line.put(name, row.get(name).toString());
    }
    for (String name : List.of("seed", "image_index", "steps", "width", "height")) {
      line.put(name, ((Number) row.get(name)).longValue());
    }
    line.put("guidance_scale", CanonicalJson.shortest((Float) row.get("guidance_scale")));
    if (row.get("nsfw") instanceof Boolean nsfw) {
      line.put("nsfw", nsfw);
      line.put("nsfw_score", CanonicalJson.shortest((Float) row.get("nsfw_score")));
    }
    return CanonicalJson.write(line) + "\n";
  }
}
