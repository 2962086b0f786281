package io.shardlight.gallery;

import io.shardlight.data.DatasetPaths;
import io.shardlight.data.ObjectStore;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Fetches members of tar files. Where they lie is found once for each archive, by going through it;
 * then each is read alone, wherever the archive is stored. Thread-safe.
 */
final class ArchivedImages {
  private record Place(long offset, int bytes) {}

  private final ObjectStore store;
  private final Map<String, Map<String, Place>> archives = new ConcurrentHashMap<>();

  ArchivedImages(ObjectStore store) {
    this.store = store;
  }

  /**
   * @param fileName as {@link DatasetPaths#archived} makes it
   * @return empty if the archive has no such member, because it was cut off or changed
   * @throws NoSuchFileException if the archive isn't there
   */
  Optional<byte[]> find(String archive, String fileName) throws IOException {
    Map<String, Place> members = archives.get(archive);
    if (members == null) {
      // Two threads may do it at once, which is no harm.
      members = members(archive);
      archives.put(archive, members);
    }
    Place place = members.get(fileName.substring(archive.length() + 1));
    if (place == null) {
      return Optional.empty();
    }
    if (place.bytes() == 0) {
      return Optional.of(new byte[0]);
    }
    try (InputStream in = store.read(archive, place.offset(), place.bytes())) {
      return Optional.of(in.readAllBytes());
    }
  }

  private Map<String, Place> members(String archive) throws IOException {
    Map<String, Place> members = new HashMap<>();
    try (Watched in = new Watched(store.read(archive));
        TarArchiveInputStream tar = new TarArchiveInputStream(in)) {
      for (TarArchiveEntry entry = next(tar, in); entry != null; entry = next(tar, in)) {
        if (entry.getSize() <= Integer.MAX_VALUE) {
          members.put(entry.getName(), new Place(tar.getBytesRead(), (int) entry.getSize()));
        }
      }
    }
    return members;
  }

  /**
   * The next member; null at the end, and where an archive is cut off.
   *
   * @throws IOException if the store cannot be read
   */
  private static @Nullable TarArchiveEntry next(TarArchiveInputStream tar, Watched in)
      throws IOException {
    try {
      return tar.getNextEntry();
    } catch (IOException e) {
      if (in.failed) {
        throw e;
      }
      return null; // What stands before can still be shown.
    }
  }

  /** Tells faults of the store from those that a reader finds in what the store gives. */
  private static final class Watched extends FilterInputStream {
    private boolean failed;

    Watched(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      try {
        return super.read();
      } catch (IOException e) {
        failed = true;
        throw e;
      }
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      try {
        return super.read(bytes, offset, length);
      } catch (IOException e) {
        failed = true;
        throw e;
      }
    }

    @Override
    public long skip(long count) throws IOException {
      try {
        return super.skip(count);
      } catch (IOException e) {
        failed = true;
        throw e;
      }
    }
  }
}
