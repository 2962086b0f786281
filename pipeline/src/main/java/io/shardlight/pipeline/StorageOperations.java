package io.shardlight.pipeline;

import io.shardlight.data.Layout;
import io.shardlight.gallery.DatasetGallery;

/**
 * Requests to Cloud Storage that a job makes, in the two classes of its price list: A are objects
 * made and listed, B are objects and their metadata read. An upload in several chunks is one. Of
 * what a job asks for, other than its prompt files; a test counts the requests of real jobs.
 */
record StorageOperations(long classA, long classB) {
  static final double CLASS_A_PRICE = 0.005 / 1000;
  static final double CLASS_B_PRICE = 0.0004 / 1000;

  /** Plan, card and report: made, looked for and read. */
  private static final StorageOperations JOB = new StorageOperations(12, 23);

  /** The lease, from beginning to end, without signs of life. */
  static final StorageOperations LEASE = new StorageOperations(8, 9);

  /** A worker's look whether a sign of life is due: is the lease ours, and when was the last? */
  static final StorageOperations LOOK = new StorageOperations(0, 2);

  private static final int LOOKS_PER_HOUR = 60;

  /** Signs of all workers together, which are never less than half a minute apart. */
  private static final int SIGNS_PER_HOUR = 120;

  StorageOperations plus(StorageOperations other) {
    return new StorageOperations(classA + other.classA, classB + other.classB);
  }

  private StorageOperations times(long count) {
    return new StorageOperations(classA * count, classB * count);
  }

  /**
   * To make a dataset from nothing.
   *
   * @param manifests formats of the manifest
   */
  static StorageOperations of(Layout layout, int manifests, long images, long shards) {
    // A shard: is its marker there? Then its objects, and the marker.
    StorageOperations sum =
        JOB.plus(LEASE).plus(new StorageOperations(manifests + 1, 1).times(shards));
    sum =
        sum.plus(
            switch (layout) {
              case WEBDATASET -> new StorageOperations(shards, 0);
              // The sidecar is copied from the manifests.
              case FILES -> new StorageOperations(images + 1, shards);
            });
    return images <= DatasetGallery.AT_END_OF_JOB ? sum.plus(gallery(layout, images, shards)) : sum;
  }

  /** Page and sheet, of markers, manifests and images, which are read twice. */
  private static StorageOperations gallery(Layout layout, long images, long shards) {
    // Where an archive's members lie, once or twice.
    long archives = layout == Layout.WEBDATASET ? shards : 0;
    return new StorageOperations(3, 2 * shards + archives + 2 * images);
  }

  /**
   * Signs of life while a job runs.
   *
   * @param workers with one shard under way in each; with more, the looks are as many times more
   */
  static StorageOperations lease(double hours, int workers) {
    return new StorageOperations(Math.round(SIGNS_PER_HOUR * hours), 0)
        .plus(LOOK.times(Math.round(LOOKS_PER_HOUR * hours * workers)));
  }

  double price() {
    return classA * CLASS_A_PRICE + classB * CLASS_B_PRICE;
  }
}
