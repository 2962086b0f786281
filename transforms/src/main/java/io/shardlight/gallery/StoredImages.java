package io.shardlight.gallery;

import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Optional;

/**
 * Fetches images, each an object of its own ({@code layout=files}); what shall read shards of tar
 * files takes this one's place. Thread-safe.
 */
final class StoredImages {
  /** An image, or why there is none to show. */
  record Found(Optional<Picture.Decoded> image, Optional<String> lack) {
    static Found nothing(String lack) {
      return new Found(Optional.empty(), Optional.of(lack));
    }
  }

  private final ObjectStore store;

  StoredImages(ObjectStore store) {
    this.store = store;
  }

  /**
   * @param row with an image
   * @throws IOException if the store cannot be read; an image that is gone or damaged is no fault
   */
  Found find(GalleryRow row) throws IOException {
    StoredObject wanted =
        row.image().orElseThrow(() -> new IllegalArgumentException("a row without an image"));
    byte[] bytes;
    try (InputStream in = store.read(wanted.name())) {
      bytes = in.readAllBytes();
    } catch (NoSuchFileException e) {
      return Found.nothing("the file is not there");
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
