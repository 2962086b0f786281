package io.shardlight.data;

import org.apache.beam.sdk.coders.DefaultCoder;

/**
 * What a run has to do for the examples of one shape.
 *
 * @param images distinct examples
 * @param duplicates examples asked for again with the id of one of those, which are made once
 * @param shards shards of these images
 * @param presentImages of the images, those in shards that an earlier run committed
 * @param presentShards of the shards, those that an earlier run committed
 * @param presentBytes of the images that are there
 * @param batches calls of the generator for the rest, if no example fails
 * @param paddedSlots device slots of those calls that have nothing to draw
 */
@DefaultCoder(ShapePlanCoder.class)
public record ShapePlan(
    BatchShape shape,
    long images,
    long duplicates,
    long shards,
    long presentImages,
    long presentShards,
    long presentBytes,
    long batches,
    long paddedSlots) {
  /** Images that are still to be made. */
  public long missingImages() {
    return images - presentImages;
  }

  /**
   * @param other of the same shape
   */
  public ShapePlan plus(ShapePlan other) {
    if (!shape.equals(other.shape)) {
      throw new IllegalArgumentException("shape must be " + shape + ", but was " + other.shape);
    }
    return new ShapePlan(
        shape,
        images + other.images,
        duplicates + other.duplicates,
        shards + other.shards,
        presentImages + other.presentImages,
        presentShards + other.presentShards,
        presentBytes + other.presentBytes,
        batches + other.batches,
        paddedSlots + other.paddedSlots);
  }
}
