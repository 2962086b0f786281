package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.ObjectStore;
import java.util.List;
import java.util.Set;

/**
 * The command line of a command that looks at a dataset.
 *
 * @param buckets looks at it, if it is in a bucket
 */
record DatasetLine(CommandLine line, BucketChecks buckets) {
  static DatasetLine parse(List<String> words, OptionCatalog catalog) {
    // Beam's options, which take a while to look up, matter for buckets only.
    boolean bucket = words.stream().anyMatch(word -> word.contains("gs://"));
    CommandLine line =
        CommandLine.parseWithOperand(
            DatasetOption.NAME, words, catalog, bucket ? BeamOptionNames.all() : Set.of());
    return new DatasetLine(line, new BucketChecks(line));
  }

  /**
   * Opens a dataset.
   *
   * @param root with nothing wrong with it, as {@link FileChecks#root} gives it
   */
  ObjectStore open(String root) {
    return Buckets.isIn(root) ? ObjectStore.open(root, buckets.options()) : ObjectStore.open(root);
  }
}
