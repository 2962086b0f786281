package io.shardlight.diffusion.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The folder in which huggingface_hub keeps a model: {@code blobs/} has each content under its
 * entity tag, {@code snapshots/<commit>/} links to them under the files' names, {@code refs/} has
 * the commit of each branch.
 *
 * @see <a href="https://huggingface.co/docs/huggingface_hub/guides/manage-cache">The cache</a>
 */
final class HubCache {
  private final Path root;
  private final Path folder;
  private final String name;

  HubCache(Path root, HubModel model) {
    this.root = root;
    this.name = "models--" + model.id().replace("/", "--");
    this.folder = root.resolve(name);
  }

  /** Where the lock of who writes lies, out of the way of Python's, which are of another kind. */
  Path lockFile() {
    return root.resolve(".locks").resolve(name).resolve("shardlight.lock");
  }

  Path blob(HubFile file) {
    return folder.resolve("blobs").resolve(file.blobName());
  }

  /**
   * Where a content is gathered. Not {@code <tag>.incomplete}: an older Python would go on at its
   * end, and it has holes.
   */
  Path partial(HubFile file) {
    return folder.resolve("blobs").resolve(file.blobName() + ".shardlight.incomplete");
  }

  Path snapshot(String commit) {
    return folder.resolve("snapshots").resolve(commit);
  }

  /** Makes the folders. */
  void create(String commit) throws IOException {
    try {
      Files.createDirectories(folder.resolve("blobs"));
      Files.createDirectories(snapshot(commit));
    } catch (IOException e) {
      throw new IOException(
          "cannot write the Hub's cache "
              + root
              + " ("
              + e
              + "); set HF_HUB_CACHE to a folder that can be written",
          e);
    }
  }

  /** The commit that a revision stood for when it was last fetched, if its files are here. */
  Optional<String> commit(String revision) throws IOException {
    Optional<String> commit = Optional.empty();
    Path ref = folder.resolve("refs").resolve(revision);
    if (HubModel.isCommit(revision)) {
      commit = Optional.of(revision);
    } else if (Files.isRegularFile(ref)) {
      commit = Optional.of(Files.readString(ref, StandardCharsets.ISO_8859_1).strip());
    }
    return commit.filter(HubModel::isCommit).filter(c -> Files.isDirectory(snapshot(c)));
  }

  /** Remembers what a revision stands for. */
  void remember(String revision, String commit) throws IOException {
    if (HubModel.isCommit(revision)) {
      return;
    }
    Path ref = folder.resolve("refs").resolve(revision);
    if (Files.isRegularFile(ref)
        && Files.readString(ref, StandardCharsets.ISO_8859_1).equals(commit)) {
      return;
    }
    Path parent = ref.resolve("..").normalize();
    Files.createDirectories(parent);
    Path fresh = parent.resolve(ref.getFileName() + "." + UUID.randomUUID() + ".tmp");
    Files.writeString(fresh, commit);
    Files.move(fresh, ref, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** Gives a content its file's name within a snapshot; a copy of it where there are no links. */
  void link(String commit, HubFile file) throws IOException {
    Path pointer = snapshot(commit).resolve(file.path());
    if (Files.exists(pointer)) {
      return;
    }
    Path parent = pointer.resolve("..").normalize();
    Files.createDirectories(parent);
    // One that leads nowhere, of a content that was deleted.
    Files.deleteIfExists(pointer);
    try {
      Files.createSymbolicLink(pointer, parent.relativize(blob(file)));
    } catch (FileAlreadyExistsException e) {
      // Another process was quicker.
    } catch (UnsupportedOperationException | IOException e) {
      Path fresh = parent.resolve(pointer.getFileName() + "." + UUID.randomUUID() + ".tmp");
      Files.copy(blob(file), fresh);
      Files.move(fresh, pointer, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /** Names of the files of a snapshot whose contents are here. */
  SortedSet<String> names(String commit) throws IOException {
    Path snapshot = snapshot(commit);
    SortedSet<String> names = new TreeSet<>();
    try (Stream<Path> walk = Files.walk(snapshot)) {
      walk.filter(Files::isRegularFile)
          .forEach(file -> names.add(snapshot.relativize(file).toString().replace('\\', '/')));
    }
    return names;
  }
}
