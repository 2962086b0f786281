package io.shardlight.transforms;

import io.shardlight.data.ManifestRow;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Where the images of one shard go. Every example is reported once, by its place in the shard, in
 * any order and from any thread.
 */
sealed interface ShardImages extends AutoCloseable permits ImageFiles, ShardArchive {
  /**
   * What is part of the dataset.
   *
   * @param archive the object that holds all images, if there is one
   * @param rows as given, but for images that an {@link EarlierAttempt} has left
   */
  record Committed(Optional<StoredObject> archive, List<ManifestRow> rows) {}

  /** What the manifest is to call the example's image. */
  String fileName(String exampleId);

  /**
   * Takes an image.
   *
   * @param index of the example in its shard, from 0
   * @param row with the image's name and hashes
   * @param image the file's bytes
   * @return the row of the image that is kept, which an {@link EarlierAttempt} may have left
   */
  ManifestRow add(int index, ManifestRow row, byte[] image) throws IOException;

  /** Tells that an example has no image. */
  void addNone(int index) throws IOException;

  /**
   * Makes the images part of the dataset, once all examples have been reported.
   *
   * @param rows of all examples of the shard, in their order
   */
  Committed commit(List<ManifestRow> rows) throws IOException;

  /** Drops what was not committed and is in nobody's way. */
  @Override
  void close() throws IOException;
}
