package io.shardlight.gallery;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.DigitalSource;
import io.shardlight.data.InOrder;
import io.shardlight.data.ObjectStore;
import io.shardlight.images.Pixels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Draws a dataset's gallery and contact sheet from its committed shards, and puts them in the place
 * of older ones. The same rows give the same bytes, so that drawing again does no harm. Images are
 * read one after the other; what stays in memory is the rows' text.
 */
public final class DatasetGallery {
  /** Datasets with more rows get a gallery only when somebody asks for it. */
  public static final int AT_END_OF_JOB = 2000;

  private static final int THUMBNAIL = 128;

  /** A browser can't look into archives, so that the thumbnail is all it has to show. */
  private static final int[] ARCHIVED_THUMBNAILS = {512, 256};

  /** With so many pixels in all a page has about ten megabytes. */
  private static final long ARCHIVED_PIXELS = 500L * 256 * 256;

  /** With more rows thumbnails are smaller, so that browsers still open the page. */
  private static final int MANY = 20_000;

  private static final int SMALL_THUMBNAIL = 64;
  private static final float THUMBNAIL_QUALITY = 0.75f;

  private final ObjectStore store;
  private final GalleryContent content;

  private DatasetGallery(ObjectStore store, GalleryContent content) {
    this.store = store;
    this.content = content;
  }

  /**
   * Reads the rows of all committed shards.
   *
   * @param finished whether these are all shards that the dataset will have
   * @throws IOException also if a marker or manifest is damaged
   * @throws IllegalArgumentException if there is not one row
   */
  public static DatasetGallery of(ObjectStore store, boolean finished) throws IOException {
    GalleryContent content = GalleryContent.read(store, finished);
    if (content.rows().isEmpty()) {
      throw new IllegalArgumentException(
          "a gallery needs at least one row, but no shard of "
              + store.root()
              + " is complete yet; wait for the job, or run it again");
    }
    return new DatasetGallery(store, content);
  }

  /** Draws page and sheet. */
  public GallerySummary draw() throws IOException, InterruptedException {
    Pixels.needNoDisplay();
    StoredImages images = new StoredImages(store);
    List<GalleryRow> shown = new ArrayList<>();
    Path page = Files.createTempFile("shardlight-gallery", ".html");
    try (GalleryPage gallery = new GalleryPage(content)) {
      drawPage(images, gallery, shown);
      gallery.write(page);
      store.replace(DatasetPaths.GALLERY, page);

      Optional<Lettering> lettering = Lettering.find();
      List<GalleryRow> chosen = ContactSheet.choose(shown);
      drawSheet(images, chosen, lettering);
      return new GallerySummary(
          gallery.count('o'),
          gallery.count('f'),
          gallery.count('b'),
          content.rows().stream().filter(GalleryRow::flagged).count(),
          gallery.count('m'),
          chosen.size(),
          Files.size(page),
          lettering.isPresent());
    } finally {
      Files.deleteIfExists(page);
    }
  }

  private record Thumbnail(
      Optional<byte[]> jpeg, Optional<String> lack, Optional<String> parameters) {
    static final Thumbnail NONE =
        new Thumbnail(Optional.empty(), Optional.empty(), Optional.empty());
  }

  /** Adds to {@code shown} what may be seen without asking. */
  private void drawPage(StoredImages images, GalleryPage gallery, List<GalleryRow> shown)
      throws IOException, InterruptedException {
    int side = thumbnailSide();
    InOrder.forEach(
        content.rows(),
        row -> {
          if (row.image().isEmpty()) {
            return Thumbnail.NONE;
          }
          StoredImages.Found found = images.find(row);
          return new Thumbnail(
              found.image().map(i -> i.picture().fit(side).toJpeg(THUMBNAIL_QUALITY)),
              found.lack(),
              found.image().flatMap(Picture.Decoded::parameters));
        },
        (row, thumbnail) -> {
          gallery.add(row, thumbnail.jpeg(), thumbnail.lack(), thumbnail.parameters());
          if (thumbnail.jpeg().isPresent() && !row.flagged() && row.status().equals("ok")) {
            shown.add(row);
          }
        });
  }

  private int thumbnailSide() {
    int rows = content.rows().size();
    if (rows > MANY) {
      return SMALL_THUMBNAIL;
    }
    boolean archived =
        content.rows().stream()
            .flatMap(row -> row.image().stream())
            .anyMatch(image -> DatasetPaths.archiveOf(image.name()).isPresent());
    if (archived) {
      for (int side : ARCHIVED_THUMBNAILS) {
        if ((long) rows * side * side <= ARCHIVED_PIXELS) {
          return side;
        }
      }
    }
    return THUMBNAIL;
  }

  private void drawSheet(
      StoredImages images, List<GalleryRow> chosen, Optional<Lettering> lettering)
      throws IOException, InterruptedException {
    int side = ContactSheet.longestSide(chosen.size());
    List<ContactSheet.Entry> entries = new ArrayList<>();
    InOrder.forEach(
        chosen,
        row -> images.find(row).image().map(image -> image.picture().fit(side)),
        (row, picture) ->
            picture.ifPresent(p -> entries.add(new ContactSheet.Entry(p, row.prompt()))));
    String counts =
        chosen.size() < content.rows().size()
            ? String.format(Locale.ROOT, "%d of %s", chosen.size(), content.counts())
            : content.counts();
    Picture sheet =
        ContactSheet.draw(
            entries, String.join(" · ", content.parameters()), "· " + counts, lettering);
    Path file = Files.createTempFile("shardlight-contact-sheet", ".png");
    try {
      Files.write(file, sheet.toPng(DigitalSource.xmp()));
      store.replace(DatasetPaths.CONTACT_SHEET, file);
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
