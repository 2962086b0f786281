package io.shardlight.transforms;

import io.shardlight.data.ArchiveMembers;
import io.shardlight.data.DatasetPaths;
import io.shardlight.data.GenerationSettings;
import io.shardlight.data.ManifestRow;
import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectDigest;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.StoredObject;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;

/**
 * One tar file a shard, as WebDataset reads them ({@code layout=webdataset}): of each image the
 * file itself, {@code .json} with the manifest's columns and the caption, and {@code .txt} with the
 * caption, next to each other and under one name, which has no dot. Members stand in the order of
 * their names. An example without image has no members, as loaders fail on samples that lack a
 * part; a shard without images is an archive without members, so that their numbers have no gaps.
 *
 * <p>The file grows in the machine's temporary directory while images come in, and becomes an
 * object as a whole. It is plain POSIX ustar, and nothing in it depends on time, user or machine.
 * Thread-safe.
 */
final class ShardArchive implements ShardImages {
  /** What tar programs write at once; the end is filled with zeros up to it. */
  private static final int BLOCK_BYTES = 10_240;

  private final ObjectStore store;
  private final GenerationSettings settings;
  private final String fingerprint;
  private final int shard;
  private final Path spool;
  private final ObjectDigest digest;
  private final TarArchiveOutputStream tar;

  /** Examples that came before one that stands in front of them, by place. */
  private final Map<Integer, Map<String, byte[]>> early = new HashMap<>();

  private int next;

  private ShardArchive(
      ObjectStore store,
      GenerationSettings settings,
      int shard,
      Path spool,
      ObjectDigest digest,
      TarArchiveOutputStream tar) {
    this.store = store;
    this.settings = settings;
    this.fingerprint = settings.configFingerprint();
    this.shard = shard;
    this.spool = spool;
    this.digest = digest;
    this.tar = tar;
  }

  /** Begins a shard's archive, to be closed. */
  static ShardArchive begin(ObjectStore store, GenerationSettings settings, int shard)
      throws IOException {
    Path spool = Files.createTempFile("shardlight-shard", ".tar");
    try {
      ObjectDigest digest = new ObjectDigest();
      TarArchiveOutputStream tar =
          new TarArchiveOutputStream(
              new BufferedOutputStream(
                  new DigestingOutput(Files.newOutputStream(spool), digest), 1 << 16),
              BLOCK_BYTES,
              StandardCharsets.UTF_8.name());
      return new ShardArchive(store, settings, shard, spool, digest, tar);
    } catch (IOException e) {
      Files.deleteIfExists(spool);
      throw e;
    }
  }

  /** Where the archive grows, in the machine's temporary directory. */
  Path spool() {
    return spool;
  }

  @Override
  public String fileName(String exampleId) {
    return DatasetPaths.archived(shard, exampleId, settings.imageFormat());
  }

  @Override
  public ManifestRow add(int index, ManifestRow row, byte[] image) throws IOException {
    Map<String, byte[]> members =
        ArchiveMembers.of(
            row.toAvro(shard, settings, fingerprint), settings.imageFormat().extension(), image);
    take(index, members);
    return row;
  }

  @Override
  public void addNone(int index) throws IOException {
    take(index, Map.of());
  }

  /**
   * Takes an example's members as they stand in another archive.
   *
   * @param index of the example in its shard, from 0
   * @param members in the order of their names
   */
  void addMembers(int index, SortedMap<String, byte[]> members) throws IOException {
    take(index, members);
  }

  private synchronized void take(int index, Map<String, byte[]> members) throws IOException {
    if (index < next || early.put(index, members) != null) {
      throw new IllegalStateException("example " + index + " of shard " + shard + " came twice");
    }
    for (Map<String, byte[]> ready = early.remove(next);
        ready != null;
        ready = early.remove(next)) {
      for (Map.Entry<String, byte[]> member : ready.entrySet()) {
        write(member.getKey(), member.getValue());
      }
      next++;
    }
  }

  private void write(String name, byte[] content) throws IOException {
    tar.putArchiveEntry(ArchiveMembers.entry(name, content.length));
    tar.write(content);
    tar.closeArchiveEntry();
  }

  /** Ends the archive, whose file stays where it lies until this is closed. */
  synchronized StoredObject finish() throws IOException {
    if (!early.isEmpty()) {
      throw new IllegalStateException(
          "example " + next + " of shard " + shard + " is missing, but later ones are there");
    }
    tar.close();
    return digest.finish(DatasetPaths.archive(shard));
  }

  @Override
  public synchronized Committed commit(List<ManifestRow> rows) throws IOException {
    StoredObject archive = finish();
    try {
      store.createOrAdopt(archive.name(), spool);
      return new Committed(Optional.of(archive), rows);
    } catch (ObjectConflictException e) {
      return takeEarlier(archive.name(), rows, e);
    }
  }

  /** Makes the archive again of the images that are there: it must be the one that is there. */
  private Committed takeEarlier(
      String name, List<ManifestRow> rows, ObjectConflictException conflict) throws IOException {
    EarlierAttempt earlier = new EarlierAttempt(settings);
    List<ManifestRow> taken = new ArrayList<>();
    try (ShardArchive again = begin(store, settings, shard);
        ArchiveSamples drawn = new ArchiveSamples(Files.newInputStream(spool), name);
        ArchiveSamples found = new ArchiveSamples(store.read(name), name)) {
      for (int index = 0; index < rows.size(); index++) {
        ManifestRow row = rows.get(index);
        if (row.image().isEmpty()) {
          again.addNone(index);
          taken.add(row);
          continue;
        }
        String key = row.example().id();
        String file = key + "." + settings.imageFormat().extension();
        SortedMap<String, byte[]> members = found.next(key);
        byte[] image = members.get(file);
        byte[] json = members.get(key + ".json");
        byte[] ours = drawn.next(key).get(file);
        if (image == null || json == null || ours == null) {
          throw conflict;
        }
        ManifestRow there =
            earlier.take(earlier.scored(row, json), ours, image).orElseThrow(() -> conflict);
        again.add(index, there, image);
        taken.add(there);
      }
      StoredObject archive = again.finish();
      store.createOrAdopt(name, again.spool());
      return new Committed(Optional.of(archive), taken);
    } catch (IOException e) {
      if (e != conflict) {
        conflict.addSuppressed(e);
      }
      throw conflict;
    }
  }

  @Override
  public synchronized void close() throws IOException {
    try {
      tar.close();
    } finally {
      Files.deleteIfExists(spool);
    }
  }
}
