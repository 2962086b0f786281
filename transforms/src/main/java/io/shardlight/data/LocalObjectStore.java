package io.shardlight.data;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A dataset in a local directory. An object is written to a file in {@code .tmp}, forced to disk,
 * and linked to its name, which fails if the name is taken.
 */
final class LocalObjectStore implements ObjectStore {
  private static final Logger LOG = LoggerFactory.getLogger(LocalObjectStore.class);

  private static final String TEMPORARIES = ".tmp";
  private static final int ATTEMPTS = 100;

  /** Fills the temporary file. */
  private interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  private final Path root;

  LocalObjectStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  @Override
  public Creation create(String name, byte[] content) throws IOException {
    return create(name, bytesOf(content));
  }

  @Override
  public Creation create(String name, Path content) throws IOException {
    return create(name, copyOf(content));
  }

  private Creation create(String name, Content content) throws IOException {
    Path target = resolve(name);
    if (Files.exists(target)) {
      return Creation.EXISTS;
    }
    Path temporary = temporary();
    try {
      write(temporary, content);
      createParent(target);
      return link(temporary, target);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  @Override
  public void replace(String name, byte[] content) throws IOException {
    replace(name, bytesOf(content));
  }

  @Override
  public void replace(String name, Path content) throws IOException {
    replace(name, copyOf(content));
  }

  private void replace(String name, Content content) throws IOException {
    Path target = resolve(name);
    Path temporary = temporary();
    try {
      write(temporary, content);
      createParent(target);
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static Content bytesOf(byte[] content) {
    return channel -> {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    };
  }

  private static Content copyOf(Path file) {
    return channel -> {
      try (FileChannel from = FileChannel.open(file, StandardOpenOption.READ)) {
        long size = from.size();
        for (long at = 0; at < size; ) {
          at += from.transferTo(at, size - at, channel);
        }
      }
    };
  }

  private Path temporary() {
    return root.resolve(TEMPORARIES).resolve(UUID.randomUUID().toString());
  }

  private static void write(Path temporary, Content content) throws IOException {
    try (FileChannel channel = begin(temporary)) {
      content.writeTo(channel);
      channel.force(true);
    }
  }

  /** Creates a temporary file, though a run that ends may clear the empty folder away any time. */
  private static FileChannel begin(Path temporary) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        createParent(temporary);
        return FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      } catch (NoSuchFileException | FileAlreadyExistsException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  private static void createParent(Path target) throws IOException {
    Path parent = target.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
  }

  private static Creation link(Path temporary, Path target) throws IOException {
    try {
      Files.createLink(target, temporary);
    } catch (FileAlreadyExistsException e) {
      return Creation.EXISTS;
    } catch (UnsupportedOperationException | FileSystemException e) {
      // No hard links here (FAT, some network mounts): a move is whole as well, but of two racing
      // processes both may believe that they created the object.
      try {
        Files.move(temporary, target);
      } catch (FileAlreadyExistsException exists) {
        return Creation.EXISTS;
      }
    }
    return Creation.CREATED;
  }

  @Override
  public InputStream read(String name) throws IOException {
    return Files.newInputStream(resolve(name));
  }

  @Override
  public InputStream read(String name, long offset, long length) throws IOException {
    SeekableByteChannel channel = Files.newByteChannel(resolve(name));
    try {
      channel.position(offset);
      return new Part(Channels.newInputStream(channel), length);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Ends after so many bytes. */
  private static final class Part extends FilterInputStream {
    private long left;

    Part(InputStream in, long length) {
      super(in);
      this.left = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (left == 0 && length > 0) {
        return -1;
      }
      int read = super.read(bytes, offset, (int) Math.min(left, length));
      left -= Math.max(0, read);
      return read;
    }

    @Override
    public long skip(long bytes) throws IOException {
      long skipped = super.skip(Math.min(left, bytes));
      left -= skipped;
      return skipped;
    }

    @Override
    public int available() throws IOException {
      return (int) Math.min(left, super.available());
    }

    @Override
    public boolean markSupported() {
      return false;
    }
  }

  @Override
  public boolean exists(String name) {
    return Files.isRegularFile(resolve(name));
  }

  @Override
  public void forEachName(String prefix, Names names) throws IOException {
    Path folder = resolve(prefix.substring(0, prefix.lastIndexOf('/') + 1));
    if (!Files.isDirectory(folder)) {
      return;
    }
    Path temporaries = root.resolve(TEMPORARIES);
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (!file.startsWith(temporaries) && Files.isRegularFile(file)) {
          String name = root.relativize(file).toString().replace('\\', '/');
          if (name.startsWith(prefix)) {
            names.take(name);
          }
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public Optional<String> findEntry(Predicate<String> wanted) throws IOException {
    if (!Files.isDirectory(root)) {
      return Optional.empty();
    }
    try (Stream<Path> entries = Files.list(root)) {
      return entries
          .map(entry -> String.valueOf(entry.getFileName()))
          .filter(wanted)
          .sorted()
          .findFirst();
    }
  }

  /** Folders that become empty go as well. */
  @Override
  public void delete(List<String> names) throws IOException {
    for (String name : names) {
      Path file = resolve(name);
      Files.deleteIfExists(file);
      Path folder = file.getParent();
      while (folder != null && !folder.equals(root) && deleteIfEmpty(folder)) {
        folder = folder.getParent();
      }
    }
  }

  private static boolean deleteIfEmpty(Path folder) throws IOException {
    try {
      return Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      return false;
    }
  }

  @Override
  public void discardTemporaries(Instant before) throws IOException {
    Path temporaries = root.resolve(TEMPORARIES);
    try (Stream<Path> files = Files.list(temporaries)) {
      for (Path file : files.toList()) {
        if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (NoSuchFileException e) {
      return; // Others clear away too, or finish their own.
    }
    if (!deleteIfEmpty(temporaries)) {
      LOG.debug("{} still holds temporary files of others", temporaries);
    }
  }

  @Override
  public String root() {
    return root.toString();
  }

  private Path resolve(String name) {
    Path path = root.resolve(name).normalize();
    if (!path.startsWith(root)) {
      throw new IllegalArgumentException(
          "an object's name must stay below the root, but was \"" + name + "\"");
    }
    return path;
  }
}
