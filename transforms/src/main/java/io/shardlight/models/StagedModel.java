package io.shardlight.models;

import io.shardlight.data.ObjectStore;
import io.shardlight.data.Sha256;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.transfer.Checksum;
import io.shardlight.diffusion.transfer.ExclusiveFolder;
import io.shardlight.diffusion.transfer.ParallelTransfer;
import io.shardlight.diffusion.transfer.RangeSource;
import io.shardlight.diffusion.transfer.TransferProgress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;

/** A model that {@link StageModel} put somewhere, and its way to this machine's disk. */
public final class StagedModel {
  /** Together they take what a machine's line can give; each alone does not. */
  private static final int CONNECTIONS = 8;

  private static final long CHUNK = 32L << 20;
  private static final int BUFFER = 1 << 16;

  private final ObjectStore store;
  private final ModelMarker marker;

  private StagedModel(ObjectStore store, ModelMarker marker) {
    this.store = store;
    this.marker = marker;
  }

  /**
   * Looks for a model's marker.
   *
   * @return empty if there is none
   * @throws IOException if there is one that can't be read
   */
  public static Optional<StagedModel> find(ObjectStore store) throws IOException {
    try (InputStream in = store.read(ModelMarker.NAME)) {
      return Optional.of(
          new StagedModel(store, ModelMarker.parse(in.readAllBytes(), store.root())));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  public ModelMarker marker() {
    return marker;
  }

  /**
   * Brings the model to this machine's disk, once for all processes, in ranges at once; each file's
   * SHA-256 is compared with the marker's.
   *
   * @param cache where models are kept
   * @return a folder that has them all
   */
  public Path pull(Path cache, TransferProgress progress) throws IOException {
    return pull(cache, name -> true, CHUNK, progress);
  }

  /** Brings the tokenizer alone. */
  public Path pullTokenizer(Path cache, TransferProgress progress) throws IOException {
    return pull(cache, name -> name.startsWith("tokenizer/"), CHUNK, progress);
  }

  /**
   * @param chunk bytes of a request
   */
  Path pull(Path cache, Predicate<String> wanted, long chunk, TransferProgress progress)
      throws IOException {
    String key = marker.digest().substring(0, 32);
    Path folder = cache.resolve("models").resolve(key);
    Path own = folder.resolve(ModelMarker.NAME);
    List<StoredObject> files = marker.files().stream().filter(f -> wanted.test(f.name())).toList();
    boolean all = files.size() == marker.files().size();
    if (Files.exists(own) && files.stream().allMatch(file -> isThere(folder, file))) {
      return folder;
    }
    ExclusiveFolder held =
        ExclusiveFolder.acquire(
            cache.resolve("models").resolve(".locks").resolve(key),
            () -> progress.notice("Waiting for another process that fetches " + store.root()));
    try {
      Path partial = cache.resolve("models").resolve(".partial");
      Files.createDirectories(partial);
      List<ParallelTransfer.Item> items = new ArrayList<>();
      for (StoredObject file : files) {
        Path destination = folder.resolve(file.name());
        if (!isThere(folder, file)) {
          Files.deleteIfExists(destination);
        }
        Files.createDirectories(destination.resolve("..").normalize());
        items.add(
            new ParallelTransfer.Item(
                store.root() + "/" + file.name(),
                file.bytes(),
                Checksum.sha256(file.sha256()),
                new StoredRanges(file),
                partial.resolve(key + "-" + Sha256.hex(file.name()).substring(0, 16)),
                destination));
      }
      new ParallelTransfer(CONNECTIONS, chunk, progress).run(items);
      if (all && !Files.exists(own)) {
        Path fresh = folder.resolve(ModelMarker.NAME + "." + UUID.randomUUID());
        Files.write(fresh, marker.toBytes());
        Files.move(fresh, own, StandardCopyOption.ATOMIC_MOVE);
      }
    } finally {
      held.close();
    }
    return folder;
  }

  /** Files get their names when they are whole. */
  private static boolean isThere(Path folder, StoredObject file) {
    try {
      return Files.size(folder.resolve(file.name())) == file.bytes();
    } catch (IOException e) {
      return false;
    }
  }

  /** Ranges of one object; the store tries again by itself. */
  private final class StoredRanges implements RangeSource {
    private final StoredObject object;

    StoredRanges(StoredObject object) {
      this.object = object;
    }

    @Override
    public long read(long from, long to, long limit, Sink sink) throws IOException {
      byte[] buffer = new byte[BUFFER];
      try (InputStream in = store.read(object.name(), from, to - from)) {
        long position = from;
        while (position < to) {
          int read = in.read(buffer, 0, (int) Math.min(buffer.length, to - position));
          if (read < 0) {
            throw new IOException(
                "%s/%s must have %d bytes, as %s says, but ends at %d; stage the model anew"
                    .formatted(
                        store.root(), object.name(), object.bytes(), ModelMarker.NAME, position));
          }
          sink.accept(position, ByteBuffer.wrap(buffer, 0, read));
          position += read;
        }
      } catch (NoSuchFileException e) {
        throw new IOException(
            "%s/%s is gone, though %s lists it; stage the model anew"
                .formatted(store.root(), object.name(), ModelMarker.NAME),
            e);
      }
      return to;
    }
  }
}
