package io.shardlight.diffusion.transfer;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The right to write somewhere, held by one thread of one process of this machine at a time: a lock
 * on a file, which the system takes back from processes that end, and one within this JVM.
 */
public final class ExclusiveFolder implements AutoCloseable {
  /** Locks on files belong to the whole JVM. */
  private static final Map<Path, ReentrantLock> IN_JVM = new ConcurrentHashMap<>();

  private final ReentrantLock inJvm;
  private final FileChannel channel;

  private ExclusiveFolder(ReentrantLock inJvm, FileChannel channel) {
    this.inJvm = inJvm;
    this.channel = channel;
  }

  /**
   * Waits for the lock.
   *
   * @param lockFile made if it is not there, with its folder, and never deleted
   * @param waiting called once, before the wait, if somebody else has it
   */
  public static ExclusiveFolder acquire(Path lockFile, Runnable waiting) throws IOException {
    Path folder = lockFile.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    ReentrantLock inJvm =
        IN_JVM.computeIfAbsent(lockFile.toAbsolutePath().normalize(), p -> new ReentrantLock());
    boolean told = false;
    try {
      if (!inJvm.tryLock()) {
        waiting.run();
        told = true;
        inJvm.lockInterruptibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting for " + lockFile);
    }
    try {
      FileChannel channel =
          FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        FileLock lock = channel.tryLock();
        if (lock == null) {
          if (!told) {
            waiting.run();
          }
          lock = channel.lock();
        }
        if (!lock.isValid()) {
          throw new IOException("the lock on " + lockFile + " was lost");
        }
        return new ExclusiveFolder(inJvm, channel);
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      inJvm.unlock();
      throw e;
    }
  }

  /** Closing the channel gives the file's lock back. */
  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      inJvm.unlock();
    }
  }
}
