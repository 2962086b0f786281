package io.shardlight.data;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * Holds a dataset's objects by name. An object is created whole or not at all and never replaced,
 * so that retried and racing writers do no harm; what is only drawn from the others may be replaced
 * as a whole. Names are relative, with {@code /} between parts. Implementations are thread-safe.
 */
public interface ObjectStore {
  /** What a try to create an object found. */
  enum Creation {
    CREATED,
    EXISTS
  }

  /**
   * Creates an object if there is none of that name.
   *
   * @param content a local file, read to its end; it may be large
   */
  Creation create(String name, Path content) throws IOException;

  /** Creates an object if there is none of that name. */
  Creation create(String name, byte[] content) throws IOException;

  /**
   * Puts an object in the place of the one of that name, if there is one; a reader finds the one or
   * the other, whole. Only for what can be made again from the rest of the dataset, and for signs
   * of life.
   *
   * @param content a local file, read to its end; it may be large
   */
  void replace(String name, Path content) throws IOException;

  /** Puts an object in the place of the one of that name; as {@link #replace(String, Path)}. */
  void replace(String name, byte[] content) throws IOException;

  /**
   * Opens an object, for the caller to close.
   *
   * @throws java.nio.file.NoSuchFileException if there is none
   */
  InputStream read(String name) throws IOException;

  /**
   * Opens a part of an object, for the caller to close; nothing else of it is fetched.
   *
   * @param offset of the first byte, from 0
   * @param length at least 1; less is read where the object ends before
   * @throws java.nio.file.NoSuchFileException if there is no such object
   */
  InputStream read(String name, long offset, long length) throws IOException;

  boolean exists(String name) throws IOException;

  /** Takes one name after the other. */
  interface Names {
    void take(String name) throws IOException;
  }

  /** Hands over the names that start with the prefix, in any order, and keeps none of them. */
  void forEachName(String prefix, Names names) throws IOException;

  /** Names that start with the prefix, sorted. */
  default List<String> list(String prefix) throws IOException {
    List<String> names = new ArrayList<>();
    forEachName(prefix, names::add);
    Collections.sort(names);
    return names;
  }

  /**
   * Finds an object that lies directly in the root, or a folder that does.
   *
   * @param wanted takes names without slashes
   */
  Optional<String> findEntry(Predicate<String> wanted) throws IOException;

  /**
   * Deletes objects, in any order; those that are not there are no fault. Only for what can be made
   * again, or is to be made anew.
   */
  void delete(List<String> names) throws IOException;

  /**
   * Clears away what killed writers left behind.
   *
   * @param before when whatever was begun is abandoned; others may have begun to write since
   */
  void discardTemporaries(Instant before) throws IOException;

  /** The root as the user wrote it, for messages. */
  String root();

  /**
   * Creates an object, or adopts the one that exists if its bytes are the same.
   *
   * @throws ObjectConflictException if it exists with other bytes
   */
  default Creation createOrAdopt(String name, byte[] content) throws IOException {
    Creation creation = create(name, content);
    if (creation == Creation.EXISTS) {
      requireSame(name, new ByteArrayInputStream(content));
    }
    return creation;
  }

  /**
   * Creates an object, or adopts the one that exists if its bytes are the same.
   *
   * @throws ObjectConflictException if it exists with other bytes
   */
  default Creation createOrAdopt(String name, Path content) throws IOException {
    Creation creation = create(name, content);
    if (creation == Creation.EXISTS) {
      try (InputStream wanted = Files.newInputStream(content)) {
        requireSame(name, wanted);
      }
    }
    return creation;
  }

  private void requireSame(String name, InputStream wanted) throws IOException {
    try (InputStream found = read(name)) {
      long offset = 0;
      while (true) {
        byte[] a = wanted.readNBytes(1 << 16);
        byte[] b = found.readNBytes(1 << 16);
        int mismatch = Arrays.mismatch(a, b);
        if (mismatch >= 0) {
          throw new ObjectConflictException(root(), name, offset + mismatch);
        }
        if (a.length == 0) {
          return;
        }
        offset += a.length;
      }
    }
  }

  /**
   * Opens the store at a root, which need not exist yet.
   *
   * @param root a local path or {@code file:} URI, or {@code gs://bucket/folder}
   * @param options of the job, which say how buckets are reached; Beam has them on every worker
   * @throws IllegalArgumentException for a kind of place we can't write to
   */
  static ObjectStore open(String root, PipelineOptions options) {
    return Buckets.isIn(root)
        ? new GcsObjectStore(GcsClient.of(options, GcsClient.PATIENCE), GcsPlace.parse(root))
        : open(root);
  }

  /**
   * Opens the store in a directory, which need not exist yet.
   *
   * @param root a local path or {@code file:} URI, or the URI of another file system on Java's
   *     class path, in which files can be forced to disk and either linked or moved atomically
   * @throws IllegalArgumentException for any other place
   */
  static ObjectStore open(String root) {
    if (!root.startsWith("file:") && !root.matches("(?s)[a-z][a-z0-9+.-]+://.*")) {
      return new LocalObjectStore(Path.of(root));
    }
    try {
      return new LocalObjectStore(Path.of(URI.create(root)));
    } catch (IllegalArgumentException | FileSystemNotFoundException e) {
      throw new IllegalArgumentException(
          "output must be a local directory or gs://bucket/folder, but was \"" + root + "\"", e);
    }
  }

  /**
   * Checks a root without opening it.
   *
   * @throws IllegalArgumentException for a kind of place we can't write to
   */
  static void requireRoot(String root) {
    if (Buckets.isIn(root)) {
      GcsPlace.parse(root);
    } else {
      open(root);
    }
  }
}
