package io.shardlight.gallery;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.data.CommittedShards;
import io.shardlight.data.DatasetPart;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ShardFacts;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The committed rows of a dataset, in the order of its prompt files, and what they have in common.
 *
 * @param common facts that are the same in all rows, in the order of {@link GalleryRow#FACTS}
 * @param seedsAreOfPrompts whether a prompt's images share its seed
 * @param planned how many images the dataset is to have, duplicates included, if it isn't finished
 */
record GalleryContent(
    List<GalleryRow> rows, ObjectNode common, boolean seedsAreOfPrompts, Optional<Long> planned) {

  static GalleryContent read(ObjectStore store, boolean finished) throws IOException {
    List<GalleryRow> rows = new ArrayList<>();
    Map<JsonNode, JsonNode> shared = new HashMap<>();
    for (ShardFacts shard : CommittedShards.list(store)) {
      CommittedShards.forEachRow(store, shard, record -> rows.add(GalleryRow.of(record, shared)));
    }
    rows.sort(GalleryRow.ORDER);
    List<DatasetPart> parts = DatasetPart.list(store);
    boolean jaxSplit =
        !parts.isEmpty() && parts.get(0).plan().path("seed_policy").asText().equals("jaxSplit");
    Optional<Long> planned =
        finished || parts.isEmpty()
            ? Optional.empty()
            : Optional.of(parts.stream().mapToLong(DatasetPart::examples).sum());
    return new GalleryContent(rows, common(rows), jaxSplit, planned);
  }

  private static ObjectNode common(List<GalleryRow> rows) {
    ObjectNode common = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < GalleryRow.FACTS.size() && !rows.isEmpty(); i++) {
      int column = i;
      JsonNode first = rows.get(0).facts().get(column);
      if (rows.stream().allMatch(row -> row.facts().get(column).equals(first))) {
        common.set(GalleryRow.FACTS.get(column), first);
      }
    }
    return common;
  }

  /** What a row says that others don't. */
  ObjectNode own(GalleryRow row) {
    ObjectNode own = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < GalleryRow.FACTS.size(); i++) {
      JsonNode value = row.facts().get(i);
      if (!common.has(GalleryRow.FACTS.get(i)) && !value.isNull()) {
        own.set(GalleryRow.FACTS.get(i), value);
      }
    }
    return own;
  }

  /** Rows with that status. */
  long count(String status) {
    return rows.stream().filter(row -> row.status().equals(status)).count();
  }

  /** Who drew, and how, as far as it holds for all: "tiny-sd", "pndm", "20 steps". */
  List<String> parameters() {
    List<String> words = new ArrayList<>();
    add(words, "model_id", "%s");
    add(words, "scheduler", "%s");
    add(words, "steps", "%s steps");
    add(words, "guidance_scale", "guidance %s");
    if (common.has("width") && common.has("height")) {
      words.add(common.get("width").asText() + "×" + common.get("height").asText());
    }
    return words;
  }

  private void add(List<String> words, String column, String format) {
    JsonNode value = common.path(column);
    if (!value.asText().isEmpty()) {
      words.add(String.format(Locale.ROOT, format, value.asText()));
    }
  }

  /** "1,998 images", and what else there is: "2 failed", "1 blocked". */
  String counts() {
    Map<String, Long> others =
        rows.stream()
            .filter(row -> !row.status().equals("ok"))
            .collect(
                Collectors.groupingBy(GalleryRow::status, TreeMap::new, Collectors.counting()));
    StringBuilder text = new StringBuilder(number(count("ok"), "image", "images"));
    others.forEach(
        (status, count) -> text.append(String.format(Locale.ROOT, ", %,d %s", count, status)));
    return text.toString();
  }

  private static String number(long count, String one, String many) {
    return String.format(Locale.ROOT, "%,d %s", count, count == 1 ? one : many);
  }
}
