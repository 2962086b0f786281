package io.shardlight.transforms;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.tests.mockfile.FilterFileChannel;
import org.apache.lucene.tests.mockfile.FilterFileSystemProvider;

/**
 * The default file system, of which folders may be given a plan of what fails. Its URIs are those
 * of files with {@code faulty:} in front; Java finds it as an installed provider.
 */
public final class FaultyDisk extends FilterFileSystemProvider {
  static final String SCHEME = "faulty";

  /** Every exception from here says so. */
  static final String PLANNED = "as planned: ";

  private static final Map<Path, Plan> PLANS = new ConcurrentHashMap<>();

  /** What may befall an operation. */
  enum Fault {
    /** Half of what is written gets to the disk, and nothing after that into the same file. */
    FULL,
    /** What was written may not be on the disk. */
    FLUSH,
    /** The file doesn't get its name, or not in the way that was tried first. */
    LINK,
    /** The file gets its name, but an error is told. */
    LINK_ANSWER_LOST,
    /** A temporary file stays. */
    DELETE,
    /** A file cannot be opened. */
    OPEN,
    /** A file breaks off while it is read. */
    READ,
    /** A directory cannot be read. */
    LIST
  }

  /**
   * Befalls the n-th operation that a fault can befall.
   *
   * @param operation from 0
   */
  record Planned(Fault fault, int operation) {}

  /** Of one folder. Thread-safe. */
  static final class Plan {
    private final Set<Planned> planned;
    private final Map<Fault, AtomicInteger> operations = new ConcurrentHashMap<>();
    private final AtomicInteger befallen = new AtomicInteger();

    private Plan(List<Planned> planned) {
      this.planned = Set.copyOf(planned);
    }

    private boolean strikes(Fault fault) {
      int operation = operations.computeIfAbsent(fault, f -> new AtomicInteger()).getAndIncrement();
      boolean strikes = planned.contains(new Planned(fault, operation));
      befallen.addAndGet(strikes ? 1 : 0);
      return strikes;
    }

    int befallen() {
      return befallen.get();
    }
  }

  /** For Java's service loader. */
  public FaultyDisk() {
    super(SCHEME, FileSystems.getDefault());
  }

  /** Lets operations in a folder fail from now on. */
  static Plan plan(Path folder, List<Planned> planned) {
    Plan plan = new Plan(planned);
    PLANS.put(folder.toAbsolutePath(), plan);
    return plan;
  }

  private boolean strikes(Path path, Fault fault) {
    Path plain = toDelegate(path).toAbsolutePath();
    return PLANS.entrySet().stream()
        .filter(entry -> plain.startsWith(entry.getKey()))
        .findFirst()
        .map(entry -> entry.getValue().strikes(fault))
        .orElse(false);
  }

  private void befall(Path path, Fault fault) throws FileSystemException {
    if (strikes(path, fault)) {
      throw new FileSystemException(path.toString(), null, PLANNED + fault);
    }
  }

  @Override
  public Path getPath(URI uri) {
    return wrapPath(Path.of(uri.getPath()));
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return new FilterFileChannel(super.newFileChannel(path, options, attributes)) {
      private boolean full;

      /** As a kernel does: what still fits is written, and the next write fails. */
      @Override
      public int write(ByteBuffer bytes) throws IOException {
        if (full) {
          throw new IOException(PLANNED + "No space left on device");
        }
        if (!strikes(path, Fault.FULL)) {
          return super.write(bytes);
        }
        full = true;
        int limit = bytes.limit();
        bytes.limit(bytes.position() + bytes.remaining() / 2);
        try {
          return super.write(bytes);
        } finally {
          bytes.limit(limit);
        }
      }

      @Override
      public void force(boolean metaData) throws IOException {
        if (strikes(path, Fault.FLUSH)) {
          throw new IOException(PLANNED + "Input/output error");
        }
        // What a machine that stops would keep is not looked at here.
      }
    };
  }

  @Override
  public void createLink(Path link, Path existing) throws IOException {
    befall(link, Fault.LINK);
    super.createLink(link, existing);
    if (strikes(link, Fault.LINK_ANSWER_LOST)) {
      throw new IOException(PLANNED + "Stale file handle");
    }
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    befall(target, Fault.LINK);
    super.move(source, target, options);
    befall(target, Fault.LINK_ANSWER_LOST);
  }

  @Override
  public boolean deleteIfExists(Path path) throws IOException {
    befall(path, Fault.DELETE);
    return super.deleteIfExists(path);
  }

  @Override
  public InputStream newInputStream(Path path, OpenOption... options) throws IOException {
    befall(path, Fault.OPEN);
    return new FilterInputStream(super.newInputStream(path, options)) {
      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        befall(path, Fault.READ);
        return super.read(bytes, offset, length);
      }
    };
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
    befall(folder, Fault.LIST);
    return super.newDirectoryStream(folder, filter);
  }
}
