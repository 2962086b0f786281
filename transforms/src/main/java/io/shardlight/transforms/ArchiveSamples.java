package io.shardlight.transforms;

import java.io.IOException;
import java.io.InputStream;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/** The samples of a {@link ShardArchive}, one after the other. Not thread-safe. */
final class ArchiveSamples implements AutoCloseable {
  private final String name;
  private final TarArchiveInputStream tar;
  private @Nullable TarArchiveEntry entry;

  /**
   * @param in closed with this, also if it is no archive
   * @param name for messages
   */
  ArchiveSamples(InputStream in, String name) throws IOException {
    this.name = name;
    this.tar = new TarArchiveInputStream(in);
    try {
      entry = tar.getNextEntry();
    } catch (IOException e) {
      tar.close();
      throw e;
    }
  }

  /**
   * The members of the next sample, by name.
   *
   * @param key which must be the next one's
   * @throws IOException also if it isn't
   */
  SortedMap<String, byte[]> next(String key) throws IOException {
    SortedMap<String, byte[]> members = new TreeMap<>();
    while (entry != null && entry.getName().startsWith(key + ".")) {
      byte[] content = tar.readAllBytes();
      if (content.length != entry.getSize()) {
        break;
      }
      members.put(entry.getName(), content);
      entry = tar.getNextEntry();
    }
    if (members.size() != 3) {
      throw new IOException(
          name
              + " must hold image, text and metadata of "
              + key
              + " next, but holds "
              + members.keySet()
              + (entry == null ? " and ends" : " and then " + entry.getName())
              + "; it was changed since: remove it with its manifest and marker, and run again");
    }
    return members;
  }

  @Override
  public void close() throws IOException {
    tar.close();
  }
}
