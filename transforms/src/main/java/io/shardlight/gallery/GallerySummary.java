package io.shardlight.gallery;

/**
 * What a gallery shows.
 *
 * @param images drawn, flagged ones among them
 * @param failed rows without an image, because it could not be made
 * @param blocked rows that a safety checker held back
 * @param flagged images in which a safety checker found something
 * @param missing images that the manifest has and the dataset does not, or damaged
 * @param sheet pictures on the contact sheet
 * @param pageBytes size of the page
 * @param captions whether the contact sheet has text, for which the machine must have a font
 */
public record GallerySummary(
    long images,
    long failed,
    long blocked,
    long flagged,
    long missing,
    int sheet,
    long pageBytes,
    boolean captions) {
  /** All rows. */
  public long rows() {
    return images + failed + blocked + missing;
  }
}
