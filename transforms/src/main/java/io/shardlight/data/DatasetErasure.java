package io.shardlight.data;

import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Takes a dataset out of a store. Whatever moment it is stopped at, what is left is no finished
 * dataset, has no marker of a shard whose objects are gone, and keeps its plan until the end, so
 * that it is known for what it was. Files that no job makes stay, and so do the runs' reports.
 */
final class DatasetErasure {
  /** What the runs made of the rest, which says that the dataset is whole. */
  private static final List<String> CARD =
      List.of(
          DatasetPaths.SUCCESS, DatasetPaths.DATASET_JSON, DatasetPaths.CARD, DatasetPaths.SIDECAR);

  private static final List<String> FOLDERS = List.of("manifest/", "images/", "rejected/");

  private static final Pattern OURS =
      Pattern.compile(
          "images/([0-9]{5,}\\.tar|[0-9a-f]{2}/[0-9a-f]{32}\\.(png|jpg|webp))"
              + "|manifest/[0-9]{5,}\\.(avro|parquet|jsonl)"
              + "|rejected/.+-[0-9]{5,}\\.jsonl");

  private DatasetErasure() {}

  /** Erases what depends on all shards, so that it can be made anew when there are others. */
  static void eraseCard(ObjectStore store) throws IOException {
    for (String name : CARD) {
      store.delete(List.of(name));
    }
  }

  /** Erases everything. */
  static void erase(ObjectStore store) throws IOException {
    eraseCard(store);
    store.delete(List.of(DatasetPaths.GALLERY, DatasetPaths.CONTACT_SHEET));
    List<String> shards = store.list("_shards/");
    store.delete(shards.stream().filter(name -> !name.startsWith("_shards/plan")).toList());
    for (String folder : FOLDERS) {
      store.delete(
          store.list(folder).stream().filter(name -> OURS.matcher(name).matches()).toList());
    }
    // The last part's plan first, so that there is never one without those before.
    List<String> plans = shards.stream().filter(name -> name.startsWith("_shards/plan-")).toList();
    for (int i = plans.size() - 1; i >= 0; i--) {
      store.delete(List.of(plans.get(i)));
    }
    store.delete(List.of(DatasetPaths.PLAN));
  }
}
