package io.shardlight.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
    LeaseKeeper.Work work = new LeaseKeeper(lease).begin();
    List<Thread> threads = threads();
    assertThat(threads).isNotEmpty();

    work.close();

    for (Thread thread : threads) {
      thread.join(20_000);
      assertThat(thread.isAlive()).isFalse();
    }
  }

  private static List<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("shardlight-lease"))
        .toList();
  }
}
