package io.shardlight.data;

import com.google.cloud.storage.Storage;
import com.google.cloud.storage.Storage.BlobField;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.StorageException;
import java.time.Duration;
import java.util.Optional;
import org.apache.beam.sdk.options.PipelineOptions;

/** Tells before a job starts what would keep it from using a bucket. */
public final class Buckets {
  /** Somebody waits for the answer. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Buckets() {}

  /** Whether a path or pattern is in a bucket, and not on a local disk. */
  public static boolean isIn(String path) {
    return path.startsWith(GcsPlace.SCHEME);
  }

  /**
   * The root of a dataset in the one way to write it, so that messages and comparisons see one.
   *
   * @param root {@code gs://bucket/folder}
   * @throws IllegalArgumentException if it is not of this form
   */
  public static String canonical(String root) {
    return GcsPlace.parse(root).toString();
  }

  /**
   * Asks whether the bucket is there and its objects may be listed, which any account that could
   * use it may do.
   *
   * @param place {@code gs://bucket/folder}
   * @param options of the job, which say who asks and where
   * @return what is wrong and what to do, on one line; empty if nothing is
   */
  public static Optional<String> problem(String place, PipelineOptions options) {
    GcsPlace parsed;
    try {
      parsed = GcsPlace.parse(place);
    } catch (IllegalArgumentException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
    try {
      Storage storage = GcsClient.of(options, PATIENCE);
      storage.list(
          parsed.bucket(),
          BlobListOption.prefix(parsed.prefix()),
          BlobListOption.pageSize(1),
          BlobListOption.fields(BlobField.NAME));
      return Optional.empty();
    } catch (StorageException e) {
      return Optional.of(new GcsFaults(parsed).reason(e));
    }
  }
}
