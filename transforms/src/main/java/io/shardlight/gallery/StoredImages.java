package io.shardlight.gallery;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/**
 * Fetches images, whether each is an object of its own ({@code layout=files}) or part of an archive
 * ({@code layout=webdataset}). Thread-safe.
 */
final class StoredImages {
  /** An image, or why there is none to show. */
  record Found(Optional<Picture.Decoded> image, Optional<String> lack) {
    static Found nothing(String lack) {
      return new Found(Optional.empty(), Optional.of(lack));
    }
  }

  private final ObjectStore store;
  private final ArchivedImages archives;

  StoredImages(ObjectStore store) {
    this.store = store;
    this.archives = new ArchivedImages(store);
  }

  /**
   * @param row with an image
   * @throws IOException if the store cannot be read; an image that is gone or damaged is no fault
   */
  Found find(GalleryRow row) throws IOException {
    StoredObject wanted =
        row.image().orElseThrow(() -> new IllegalArgumentException("a row without an image"));
    Optional<String> archive = DatasetPaths.archiveOf(wanted.name());
    byte[] bytes;
    try {
      if (archive.isPresent()) {
        Optional<byte[]> member = archives.find(archive.get(), wanted.name());
        if (member.isEmpty()) {
          return Found.nothing("the archive is damaged: the file is not in it");
        }
        bytes = member.get();
      } else {
        try (InputStream in = store.read(wanted.name())) {
          bytes = in.readAllBytes();
        }
      }
    } catch (NoSuchFileException e) {
      return Found.nothing(
          archive.isPresent() ? "the archive is not there" : "the file is not there");
    }
    if (!StoredObject.of(wanted.name(), bytes).equals(wanted)) {
      return Found.nothing("the file is damaged: it is not what the manifest says");
    }
    try {
      return new Found(
          Optional.of(Picture.decode(bytes, row.widthPixels(), row.heightPixels())),
          Optional.empty());
    } catch (IOException e) {
      return Found.nothing("the file cannot be shown: " + e.getMessage());
    }
  }
}
