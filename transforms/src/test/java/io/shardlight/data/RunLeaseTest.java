package io.shardlight.data;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLeaseTest {
  private final Path folder;
  private final ObjectStore store;
  private Instant now = Instant.parse("2026-11-25T20:00:00Z");

  RunLeaseTest(@TempDir Path folder) {
    this.folder = folder;
    this.store = ObjectStore.open(folder.toString());
  }

  private RunLease lease(String runId) {
    return lease(runId, RunProcess.NONE);
  }

  private RunLease lease(String runId, RunProcess process) {
    return new RunLease(store, new RunIdentity(runId, process), () -> now);
  }

  private void pass(Duration time) {
    now = now.plus(time);
  }

  @Test
  void anotherRunIsRefusedAndToldWhoHasIt() throws IOException {
    lease("first", RunProcess.current()).take();
    pass(Duration.ofSeconds(42));

    assertThat(lease("first").problem()).isEmpty();
    assertThat(lease("first").since()).contains(now.minusSeconds(42));
    assertThat(lease("second").since()).isEmpty();
    assertThat(lease("second").problem()).isPresent();
    assertThatThrownBy(() -> lease("second").take())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(
            "output "
                + store.root()
                + " is being written by run first (process "
                + ProcessHandle.current().pid()
                + " of ")
        .hasMessageContaining("whose last sign of life was 42 s ago")
        .hasMessageContaining("after 30 minutes");
  }

  @Test
  void aRunThatAnotherHasTakenOverFromWritesNothingMore() throws IOException {
    RunLease first = lease("first");
    first.requireHeld(); // Nobody has it, so nothing is lost.
    first.take();
    first.requireHeld();
    pass(Duration.ofMinutes(31));
    RunLease second = lease("second");
    second.take();
    String taken =
        "output "
            + store.root()
            + " must be written by one run at a time, but run second has taken over from run first,"
            + " which showed no sign of life for 30 minutes or was stopped; ";

    assertThatThrownBy(first::requireHeld)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith(taken);
    assertThatThrownBy(lease("first")::requireHeld).hasMessageStartingWith(taken);
    assertThatThrownBy(first::resume).hasMessageStartingWith(taken);
    second.requireHeld();
    second.resume();

    // Nor after the other's end: what was made since is the other's.
    second.release();
    assertThatThrownBy(first::requireHeld).hasMessageStartingWith(taken);
    assertThatThrownBy(first::resume).hasMessageStartingWith(taken);
  }

  @Test
  void aRunThatNeverHadItTakesItToItsEnd() throws IOException {
    lease("first").take();
    assertThatThrownBy(lease("second")::resume)
        .hasMessageContaining("is being written by run first");
    lease("first").release();

    lease("second").resume();

    lease("second").requireHeld();
    assertThat(lease("third").problem()).isPresent();
    // Tried again after its end, as by a runner that starts its job again.
    lease("second").release();
    lease("second").resume();
    assertThat(store.exists(DatasetPaths.lease(3))).isTrue();
  }

  @Test
  void theSameRunMayTakeItAgain() throws IOException {
    lease("first").take();

    assertThatCode(() -> lease("first").take()).doesNotThrowAnyException();
    assertThat(store.list(DatasetPaths.LEASES)).containsExactly("runs/leases/00001.json");
  }

  @Test
  void workersFindTheLeaseThatWasTakenBeforeThemOrAnotherStore() throws IOException {
    RunIdentity run = new RunIdentity("far", RunProcess.NONE, true);
    RunLease command = new RunLease(store, run, () -> now);
    ObjectStore other = ObjectStore.open(folder.resolve("other").toString());
    command.take();

    assertThatCode(command::requireSameStore).doesNotThrowAnyException();
    assertThatThrownBy(() -> new RunLease(other, run, () -> now).requireSameStore())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("output " + other.root() + " must be the same place on all")
        .hasMessageContaining("the lease of run far");
    // Another run may have followed; the store is the same.
    command.release();
    lease("next").take();
    assertThatCode(command::requireSameStore).doesNotThrowAnyException();
    // A run in one process takes its lease when it has read the prompts.
    assertThatCode(() -> lease("near").requireSameStore()).doesNotThrowAnyException();
  }

  @Test
  void aLeaseThatHasEndedIsFree() throws IOException {
    lease("first").take();
    lease("first").release();

    lease("second").take();

    assertThatThrownBy(() -> lease("third").take()).hasMessageContaining("run second,");
  }

  @Test
  void aSilentRunIsTakenOverAfterTheDocumentedAgeOnly() throws IOException {
    lease("first").take();
    pass(RunLease.STALE_AFTER.minusSeconds(1));
    assertThatThrownBy(() -> lease("second").take()).isInstanceOf(IllegalStateException.class);
    lease("first").renew();
    pass(RunLease.STALE_AFTER.minusSeconds(1));
    assertThatThrownBy(() -> lease("second").take()).isInstanceOf(IllegalStateException.class);

    pass(Duration.ofSeconds(1));
    lease("second").take();

    // The first wakes up again, and has lost it.
    lease("first").renew();
    lease("first").release();
    assertThatThrownBy(() -> lease("third").take()).hasMessageContaining("run second,");
  }

  @Test
  void aWorkerThatKnewTheLeaseNoticesThatAnotherRunHasTakenOver() throws IOException {
    RunLease first = lease("first");
    first.take();
    pass(RunLease.RENEW_EVERY);
    first.renew();
    pass(RunLease.STALE_AFTER);
    lease("second").take();
    List<String> before = store.list(DatasetPaths.LEASES);

    pass(RunLease.RENEW_EVERY);
    first.renew();

    assertThat(before).contains("runs/leases/00001.renewed");
    assertThat(store.list(DatasetPaths.LEASES)).isEqualTo(before);
    pass(RunLease.STALE_AFTER.minus(RunLease.RENEW_EVERY).minusSeconds(1));
    assertThatThrownBy(() -> lease("third").take()).hasMessageContaining("run second,");
    pass(Duration.ofSeconds(1));
    lease("third").take();
  }

  @Test
  void aProcessOfThisMachineThatIsGoneHasLostIt() throws Exception {
    Process process = new ProcessBuilder("sleep", "100").start();
    RunProcess here = RunProcess.current();
    long start = process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
    RunProcess other = new RunProcess(here.host(), here.boot(), process.pid(), start);
    lease("first", other).take();
    assertThatThrownBy(() -> lease("second").take()).isInstanceOf(IllegalStateException.class);

    process.destroyForcibly().waitFor();

    lease("second").take();
  }

  @Test
  void processesAreToldApartByMachineBootAndStart() {
    RunProcess here = RunProcess.current();

    assertThat(here.isGone()).isFalse();
    assertThat(new RunProcess("elsewhere", here.boot(), here.pid(), 1).isGone()).isFalse();
    assertThat(new RunProcess(here.host(), "before", here.pid(), here.startMillis()).isGone())
        .isTrue();
    assertThat(new RunProcess(here.host(), here.boot(), here.pid(), 1).isGone()).isTrue();
  }

  @Test
  void ofManyAtOnceOneGetsIt() throws Exception {
    for (int round = 0; round < 20; round++) {
      int runs = 8;
      CyclicBarrier together = new CyclicBarrier(runs);
      List<Callable<Boolean>> takes = new ArrayList<>();
      for (int i = 0; i < runs; i++) {
        RunLease mine = lease("run-" + round + "-" + i);
        takes.add(
            () -> {
              together.await();
              try {
                mine.take();
                return true;
              } catch (IllegalStateException e) {
                return false;
              }
            });
      }
      ExecutorService executor = Executors.newFixedThreadPool(runs);
      int got = 0;
      for (Future<Boolean> take : executor.invokeAll(takes)) {
        got += take.get() ? 1 : 0;
      }
      executor.shutdown();

      assertThat(got).isEqualTo(1);
      pass(RunLease.STALE_AFTER);
    }
  }

  @Test
  void aKeeperRenewsAtOnce() throws Exception {
    lease("first").take();
    pass(RunLease.STALE_AFTER);

    new LeaseKeeper(lease("first")).begin().close();

    assertThatThrownBy(() -> lease("second").take())
        .hasMessageContaining("whose last sign of life was 0 s ago");
  }

  /** Keeps what it is to do again and again, and leaves it to the test. */
  private static final class Recorder extends ScheduledThreadPoolExecutor {
    private final List<Runnable> tasks = new ArrayList<>();
    private final List<Duration> delays = new ArrayList<>();
    private final List<ScheduledFuture<?>> futures = new ArrayList<>();

    Recorder() {
      super(1);
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(
        Runnable task, long initialDelay, long delay, TimeUnit unit) {
      tasks.add(task);
      delays.add(Duration.ofNanos(unit.toNanos(delay)));
      ScheduledFuture<?> future = schedule(() -> {}, 1, TimeUnit.DAYS);
      futures.add(future);
      return future;
    }
  }

  @Test
  void aKeeperRenewsAgainAndAgainUntilTheWorkEnds() throws Exception {
    lease("first").take();
    Recorder clock = new Recorder();
    try {
      LeaseKeeper.Work work = new LeaseKeeper(lease("first"), clock).begin();
      for (int i = 0; i < 3; i++) {
        pass(RunLease.STALE_AFTER);
        clock.tasks.get(0).run();
        assertThatThrownBy(() -> lease("second").take())
            .hasMessageContaining("whose last sign of life was 0 s ago");
      }

      assertThat(clock.delays).containsExactly(RunLease.RENEW_EVERY);
      assertThat(clock.futures.get(0).isCancelled()).isFalse();
      work.close();
      assertThat(clock.futures.get(0).isCancelled()).isTrue();
    } finally {
      clock.shutdownNow();
    }
  }

  @Test
  void aDamagedLeaseIsNotGuessedAt() throws IOException {
    for (String damage : new String[] {"", "[]", "{", "{\"run_id\":\"a\",\"time\":\"noon\"}"}) {
      Path file = folder.resolve("runs/leases/00001.json");
      Files.createDirectories(folder.resolve("runs/leases"));
      Files.write(file, damage.getBytes(UTF_8));

      assertThatThrownBy(() -> lease("second").take())
          .as(damage)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("runs/leases/00001.json in " + store.root())
          .hasMessageContaining("must be the lease of a run");
    }
  }
}
