package io.shardlight.data;

import java.io.IOException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows a run's signs of life while a worker is at work for it: when the last one is {@link
 * RunLease#RENEW_EVERY} ago, however short or long the pieces of work are. For one thread.
 */
public final class LeaseKeeper {
  private static final Logger LOG = LoggerFactory.getLogger(LeaseKeeper.class);

  /**
   * One thread for the whole JVM, which ends when there is no work, so that it keeps neither the
   * JVM alive nor, in one that outlives the job, the job's classes.
   */
  private static final ScheduledThreadPoolExecutor CLOCK = clock();

  /** A piece of work, until it is closed. */
  public interface Work extends AutoCloseable {
    @Override
    void close();
  }

  private final RunLease lease;
  private final ScheduledExecutorService clock;
  private volatile long dueNanos = System.nanoTime();

  /**
   * @param lease nothing is shown while another run has it
   */
  public LeaseKeeper(RunLease lease) {
    this(lease, CLOCK);
  }

  LeaseKeeper(RunLease lease, ScheduledExecutorService clock) {
    this.lease = lease;
    this.clock = clock;
  }

  /** What a run does once, while it has the lease. */
  public interface Task {
    void run() throws IOException, InterruptedException;
  }

  /**
   * Does what takes longer than others would wait. A run whose task fails has the lease no longer,
   * unless it was taken before its workers began; tried again, it takes it again.
   */
  public static void during(RunLease lease, Task task) throws IOException, InterruptedException {
    Work work = new LeaseKeeper(lease).begin();
    try {
      task.run();
    } catch (IOException | RuntimeException e) {
      lease.releaseUnlessLeased();
      throw e;
    } finally {
      work.close();
    }
  }

  /** Begins a piece of work. */
  public Work begin() {
    if (dueNanos - System.nanoTime() <= 0) {
      renew();
    }
    ScheduledFuture<?> renewals =
        clock.scheduleWithFixedDelay(
            this::renew,
            dueNanos - System.nanoTime(),
            RunLease.RENEW_EVERY.toNanos(),
            TimeUnit.NANOSECONDS);
    return () -> renewals.cancel(false);
  }

  /** One whose thread ends a second after the last piece of work. */
  static ScheduledThreadPoolExecutor clock() {
    ScheduledThreadPoolExecutor clock =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "shardlight-lease");
              thread.setDaemon(true);
              return thread;
            });
    clock.setRemoveOnCancelPolicy(true);
    clock.setKeepAliveTime(1, TimeUnit.SECONDS);
    clock.allowCoreThreadTimeOut(true);
    return clock;
  }

  private void renew() {
    dueNanos = System.nanoTime() + RunLease.RENEW_EVERY.toNanos();
    try {
      lease.renew();
    } catch (IOException | RuntimeException e) {
      // The next one may get through; the lease lasts for many.
      LOG.warn("The lease could not be renewed: {}", e.toString());
    }
  }
}
