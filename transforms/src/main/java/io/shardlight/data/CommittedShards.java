package io.shardlight.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.avro.generic.GenericRecord;

/** Reads what a dataset holds for good: the shards with a commit marker, and their rows. */
public final class CommittedShards {
  private static final Pattern MARKER = numbered(DatasetPaths.SHARDS);
  private static final Pattern RETRY = numbered(DatasetPaths.RETRIES);

  /** Markers that are read at once: a bucket answers slowly, but many at the same time. */
  private static final int AT_ONCE = 32;

  private CommittedShards() {}

  private static Pattern numbered(String folder) {
    return Pattern.compile(Pattern.quote(folder) + "([0-9]+)\\.json");
  }

  /**
   * The markers' contents, by shard number. Of a shard that was tried again, what has come of it.
   *
   * @throws IOException also if a marker is not what a job wrote
   */
  public static List<ShardFacts> list(ObjectStore store) throws IOException {
    return listBut(store, Set.of());
  }

  /** The same of the shards that have other numbers than these. */
  public static List<ShardFacts> listBut(ObjectStore store, Set<Integer> known) throws IOException {
    List<String> names = store.list(DatasetPaths.SHARDS);
    Set<String> there = new HashSet<>(names);
    List<String> markers =
        numbers(names, MARKER).stream()
            .filter(number -> !known.contains(number))
            .map(
                number ->
                    there.contains(DatasetPaths.retry(number))
                        ? DatasetPaths.retry(number)
                        : DatasetPaths.marker(number))
            .toList();
    List<ShardFacts> shards = new ArrayList<>(markers.size());
    int threads = Math.max(1, Math.min(AT_ONCE, markers.size()));
    try {
      InOrder.forEach(
          markers, threads, marker -> read(store, marker), (marker, facts) -> shards.add(facts));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the markers of " + store.root() + " were not read");
    }
    return shards;
  }

  /** The numbers of all committed shards, in order. */
  public static List<Integer> numbers(ObjectStore store) throws IOException {
    return numbers(store.list(DatasetPaths.SHARDS), MARKER);
  }

  /**
   * The numbers of the shards, in order, whose retry was decided and not finished; see {@link
   * DatasetPaths#retry}.
   */
  public static List<Integer> retried(ObjectStore store) throws IOException {
    return numbers(store.list(DatasetPaths.RETRIES), RETRY);
  }

  private static List<Integer> numbers(List<String> names, Pattern numbered) {
    return names.stream()
        .map(numbered::matcher)
        .filter(Matcher::matches)
        .map(marker -> Integer.valueOf(marker.group(1)))
        .sorted()
        .toList();
  }

  /** Takes one row after the other. */
  public interface Rows {
    /**
     * @param row in {@link AvroManifest}'s schema; strings are {@link CharSequence}s
     */
    void take(GenericRecord row) throws IOException;
  }

  /**
   * The content of one shard's marker; empty if the shard is not committed.
   *
   * @throws IOException also if the marker is not what a job wrote
   */
  public static Optional<ShardFacts> find(ObjectStore store, int shard) throws IOException {
    String name = DatasetPaths.marker(shard);
    return store.exists(name) ? Optional.of(read(store, name)) : Optional.empty();
  }

  /**
   * Reads a marker, or what is to become one.
   *
   * @throws IOException also if it is not what a job wrote
   */
  public static ShardFacts read(ObjectStore store, String marker) throws IOException {
    try (InputStream in = store.read(marker)) {
      return ShardFacts.fromJson(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      throw new IOException(
          marker
              + " in "
              + store.root()
              + " must be the marker of a committed shard, but is not; it was changed since:"
              + " remove it, and run the job again",
          e);
    }
  }

  /**
   * Reads a shard's rows, in the order in which they were written, from the first of its manifests.
   *
   * @param facts as the marker has them
   * @throws IOException also if the manifest isn't what its marker says
   */
  public static void forEachRow(ObjectStore store, ShardFacts facts, Rows rows) throws IOException {
    StoredObject manifest = facts.manifests().get(0);
    byte[] bytes = bytes(store, manifest.name());
    StoredObject found = StoredObject.of(manifest.name(), bytes);
    String retried = DatasetPaths.retried(manifest.name());
    if (!found.equals(manifest) && store.exists(retried)) {
      bytes = bytes(store, retried);
      found = StoredObject.of(manifest.name(), bytes);
    }
    if (!found.equals(manifest)) {
      throw new IOException(
          "manifest must be "
              + manifest
              + " as its marker says, but is "
              + found
              + " in "
              + store.root()
              + "; it was changed since: remove it and its marker, and run again");
    }
    ManifestFile.read(manifest.name(), bytes, rows);
  }

  private static byte[] bytes(ObjectStore store, String name) throws IOException {
    try (InputStream in = store.read(name)) {
      return in.readAllBytes();
    }
  }
}
