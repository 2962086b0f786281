package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In a JVM that outlives a job, a thread that stayed would keep the job's classes. */
class LeaseKeeperThreadTest {
  @Test
  void endsWhenThereIsNoMoreWork(@TempDir Path folder) throws IOException, InterruptedException {
    RunLease lease =
        new RunLease(
            ObjectStore.open(folder.toString()), new RunIdentity("run", RunProcess.current()));
    lease.take();
    // Not the JVM's own: there may be work of jobs that failed before this test began.
    ScheduledThreadPoolExecutor clock = LeaseKeeper.clock();
    LeaseKeeper.Work work = new LeaseKeeper(lease, clock).begin();
    assertThat(clock.getPoolSize()).isEqualTo(1);

    work.close();

    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (clock.getPoolSize() > 0 && System.nanoTime() - end < 0) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    assertThat(clock.getPoolSize()).isZero();
  }
}
