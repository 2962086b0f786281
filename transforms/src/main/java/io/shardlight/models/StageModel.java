package io.shardlight.models;

import io.shardlight.data.ObjectConflictException;
import io.shardlight.data.ObjectDigest;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.ObjectStore.Creation;
import io.shardlight.data.StoredObject;
import io.shardlight.diffusion.hub.LicenseTerms;
import io.shardlight.diffusion.transfer.TransferProgress;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Puts a model's files into a directory or bucket: several at once, each created only if absent,
 * and the marker last. The same again adopts what is there and adds what is missing; another model
 * in the same place is refused.
 */
public final class StageModel {
  /** Each is one stream, hashed on the way. */
  private static final int AT_A_TIME = 4;

  private static final Duration ABANDONED = Duration.ofDays(1);
  private static final int BUFFER = 1 << 20;

  private final Path folder;
  private final TransferProgress progress;

  private interface Work<T> {
    T on(String name) throws IOException;
  }

  /**
   * @param folder the model on this disk
   */
  public StageModel(Path folder, TransferProgress progress) {
    this.folder = folder;
    this.progress = progress;
  }

  /** Hashes the files, which makes the marker. */
  public ModelMarker describe(
      Collection<String> names,
      String id,
      String revision,
      Optional<LicenseTerms> license,
      String modelSha256)
      throws IOException {
    List<StoredObject> files = inParallel(new TreeSet<>(names), this::digest);
    return new ModelMarker(id, revision, license, modelSha256, files);
  }

  private StoredObject digest(String name) throws IOException {
    ObjectDigest digest = new ObjectDigest();
    byte[] buffer = new byte[BUFFER];
    try (InputStream in = Files.newInputStream(folder.resolve(name))) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return digest.finish(name);
  }

  /** What keeps a place from taking the model: another one, or something else; empty if nothing. */
  public static Optional<String> problem(ModelMarker marker, ObjectStore target)
      throws IOException {
    Optional<ModelMarker> found = StagedModel.find(target).map(StagedModel::marker);
    if (found.isPresent()) {
      return found.get().equals(marker)
          ? Optional.empty()
          : Optional.of(
              "holds %s already, and not %s%s; choose another folder"
                  .formatted(
                      found.get().title(),
                      marker.title(),
                      found.get().title().equals(marker.title()) ? " with the same files" : ""));
    }
    Set<String> ours = new HashSet<>();
    marker.files().forEach(file -> ours.add(file.name().replaceFirst("/.*", "")));
    return target
        .findEntry(name -> !name.startsWith(".") && !ours.contains(name))
        .map(
            name ->
                "must be new, empty or hold the beginning of the same model, but has "
                    + name
                    + "; choose another folder");
  }

  /**
   * Puts them there.
   *
   * @return whether anything had to be put
   * @throws IOException if something else is in the way, or the place can't be written
   */
  public Creation to(ObjectStore target, ModelMarker marker) throws IOException {
    Optional<String> problem = problem(marker, target);
    if (problem.isPresent()) {
      throw new IOException(target.root() + " " + problem.get());
    }
    marker.files().forEach(file -> progress.plan(file.bytes()));
    List<String> names = marker.files().stream().map(StoredObject::name).toList();
    try {
      List<Creation> created =
          inParallel(
              names,
              name -> {
                Creation creation = target.createOrAdopt(name, folder.resolve(name));
                progress.advance(Files.size(folder.resolve(name)));
                return creation;
              });
      Creation last = target.createOrAdopt(ModelMarker.NAME, marker.toBytes());
      target.discardTemporaries(Instant.now().minus(ABANDONED));
      return created.contains(Creation.CREATED) ? Creation.CREATED : last;
    } catch (ObjectConflictException e) {
      throw new IOException(
          target.root()
              + " holds a file of another model, or the beginning of one; choose another folder, or"
              + " remove what is there ("
              + e.getMessage()
              + ")",
          e);
    }
  }

  /** Results in the order of the names. */
  private static <T> List<T> inParallel(Collection<String> names, Work<T> work) throws IOException {
    ExecutorService pool = Executors.newFixedThreadPool(AT_A_TIME);
    try {
      List<Future<T>> running = new ArrayList<>();
      for (String name : names) {
        running.add(pool.submit(() -> work.on(name)));
      }
      List<T> results = new ArrayList<>();
      for (Future<T> one : running) {
        results.add(one.get());
      }
      return results;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw cause;
      }
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a model was staged");
    } finally {
      pool.shutdownNow();
    }
  }
}
