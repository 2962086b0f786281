package io.shardlight.diffusion.transfer;

import io.shardlight.diffusion.transfer.PartialFile.Range;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Brings files in chunks, of several files and within large ones at once. Of each file the first
 * chunk comes alone: the other side may not know ranges and send all of it. A file gets its final
 * name when its checksum is right. The first failure ends all; what is there by then is kept for
 * the next try.
 */
public final class ParallelTransfer {
  /**
   * A file to bring.
   *
   * @param name for messages
   * @param destination whose folder exists; a file there is left alone and counts as brought
   * @param partial where bytes are gathered, in a folder of the same file system
   */
  public record Item(
      String name,
      long bytes,
      Checksum checksum,
      RangeSource source,
      Path partial,
      Path destination) {}

  /** Follow-up work. */
  private interface Step extends Callable<List<Step>> {}

  /** Of a file, however long somebody says that it is. */
  private static final int MOST_CHUNKS = 1 << 20;

  private final int threads;
  private final long chunk;
  private final TransferProgress progress;

  /**
   * @param threads connections at once
   * @param chunk bytes of a request
   */
  public ParallelTransfer(int threads, long chunk, TransferProgress progress) {
    if (threads < 1 || chunk < 1) {
      throw new IllegalArgumentException(
          "threads and chunk must be at least 1, but were " + threads + " and " + chunk);
    }
    this.threads = threads;
    this.chunk = chunk;
    this.progress = progress;
  }

  /**
   * Brings all files.
   *
   * @throws IOException of the first that could not be had, or if the disk has no room for all
   */
  public void run(List<Item> items) throws IOException {
    List<Item> wanted = new ArrayList<>();
    Set<Path> seen = new HashSet<>();
    for (Item item : items) {
      // Two names may stand for the same content.
      if (!Files.exists(item.destination()) && seen.add(item.destination())) {
        wanted.add(item);
      }
    }
    if (wanted.isEmpty()) {
      return;
    }
    wanted.sort(Comparator.comparingLong(Item::bytes).reversed());
    List<FileTransfer> files = new ArrayList<>();
    try {
      for (Item item : wanted) {
        files.add(new FileTransfer(item));
      }
      requireRoom(files);
      for (FileTransfer file : files) {
        progress.plan(file.item.bytes());
        progress.advance(file.partial.present());
      }
      work(files);
    } finally {
      for (FileTransfer file : files) {
        file.partial.close();
      }
    }
  }

  private void requireRoom(List<FileTransfer> files) throws IOException {
    long needed = 0;
    Path folder = files.get(0).item.partial().toAbsolutePath();
    for (FileTransfer file : files) {
      long missing = file.item.bytes() - file.partial.present();
      needed = needed > Long.MAX_VALUE - missing ? Long.MAX_VALUE : needed + missing;
    }
    FileStore store = Files.getFileStore(folder);
    long free = store.getUsableSpace();
    if (needed > free) {
      throw new IOException(
          "the files need %s more on the disk of %s, but %s are free; make room, or choose a place on another disk"
              .formatted(megabytes(needed), folder.getParent(), megabytes(free)));
    }
  }

  private static String megabytes(long bytes) {
    return "%,d MB".formatted(bytes / 1_000_000 + (bytes % 1_000_000 == 0 ? 0 : 1));
  }

  /** One thread hands out the steps; the pool takes them. */
  private void work(List<FileTransfer> files) throws IOException {
    ExecutorService pool =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "shardlight-transfer");
              thread.setDaemon(true);
              return thread;
            });
    try {
      ExecutorCompletionService<List<Step>> steps = new ExecutorCompletionService<>(pool);
      int pending = 0;
      for (FileTransfer file : files) {
        steps.submit(file::first);
        pending++;
      }
      while (pending > 0) {
        List<Step> next = steps.take().get();
        pending--;
        for (Step step : next) {
          steps.submit(step);
          pending++;
        }
      }
    } catch (ExecutionException e) {
      throw asIOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while files were brought");
    } finally {
      pool.shutdownNow();
      awaitQuietly(pool);
    }
  }

  /** Files are closed only when nobody writes to them any more. */
  private static void awaitQuietly(ExecutorService pool) {
    boolean interrupted = false;
    while (true) {
      try {
        if (pool.awaitTermination(1, TimeUnit.MINUTES)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static IOException asIOException(@Nullable Throwable cause) {
    if (cause instanceof IOException e) {
      return e;
    }
    if (cause instanceof RuntimeException e) {
      throw e;
    }
    if (cause instanceof Error e) {
      throw e;
    }
    return new IOException(cause);
  }

  private final class FileTransfer {
    private final Item item;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentLinkedQueue<String> refused = new ConcurrentLinkedQueue<>();
    private PartialFile partial;

    FileTransfer(Item item) throws IOException {
      this.item = item;
      this.partial = open();
    }

    private PartialFile open() throws IOException {
      return PartialFile.open(
          item.partial(), item.bytes(), Math.max(chunk, item.bytes() / MOST_CHUNKS + 1));
    }

    List<Step> first() throws IOException, InterruptedException {
      List<Range> missing = partial.missing();
      if (missing.isEmpty()) {
        return List.of(this::finish);
      }
      Range range = missing.get(0);
      bring(range, item.bytes());
      List<Range> rest = partial.missing();
      if (rest.isEmpty()) {
        return List.of(this::finish);
      }
      open.set(rest.size());
      List<Step> steps = new ArrayList<>();
      for (Range one : rest) {
        steps.add(() -> next(one));
      }
      return steps;
    }

    private List<Step> next(Range range) throws IOException, InterruptedException {
      bring(range, range.to());
      return open.decrementAndGet() == 0 ? List.of(this::finish) : List.of();
    }

    private void bring(Range range, long limit) throws IOException, InterruptedException {
      long end =
          item.source()
              .read(
                  range.from(),
                  range.to(),
                  limit,
                  (position, bytes) -> {
                    int count = bytes.remaining();
                    write(position, bytes);
                    progress.advance(count);
                  });
      partial.complete(range.from(), end);
    }

    private void write(long position, ByteBuffer bytes) throws IOException {
      try {
        partial.write(position, bytes);
      } catch (IOException e) {
        throw new IOException(
            "cannot write "
                + item.partial()
                + " ("
                + e.getMessage()
                + "); make room, or choose a place on another disk: what has come is kept",
            e);
      }
    }

    private List<Step> finish() throws IOException {
      Checksum found = item.checksum().of(partial.data());
      if (found.equals(item.checksum())) {
        partial.moveTo(item.destination());
        return List.of();
      }
      boolean resumed = partial.resumed();
      partial.discard();
      if (resumed && refused.isEmpty()) {
        // What an earlier process left may be of a crash.
        refused.add(found.toString());
        progress.advance(-item.bytes());
        partial = open();
        return List.of(this::first);
      }
      throw new IOException(
          item.name()
              + " must have the "
              + item.checksum()
              + ", but what came has the "
              + found
              + "; it was changed on its way or at its source, and is not kept: try again");
    }
  }
}
