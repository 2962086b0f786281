package io.shardlight.pipeline;

import io.shardlight.data.Buckets;
import io.shardlight.data.LeaseKeeper;
import io.shardlight.data.ObjectStore;
import io.shardlight.data.RunLease;
import io.shardlight.diffusion.Lowerings;
import io.shardlight.diffusion.graph.Lowering;
import java.io.IOException;
import java.time.Duration;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has a pipeline run by other processes, waits for it, and shows how far it is by what its output
 * holds. An interrupt from the keyboard cancels the job; a killed command leaves it at work.
 */
final class RemoteRun {
  private static final Logger LOG = LoggerFactory.getLogger(RemoteRun.class);
  private static final Duration LOOK_AT_DISK = Duration.ofSeconds(2);
  private static final Duration LOOK_AT_BUCKET = Duration.ofSeconds(10);

  private final RemoteRunner runner;
  private final PipelineOptions options;
  private final String output;
  private final ObjectStore store;
  private final RunLease lease;

  /**
   * @param options as {@link RemoteRunner#prepare} left them
   * @param lease taken already
   */
  RemoteRun(RemoteRunner runner, PipelineOptions options, String output, RunLease lease) {
    this.runner = runner;
    this.options = options;
    this.output = output;
    this.store = ObjectStore.open(output, options);
    this.lease = lease;
  }

  /**
   * Runs to the end.
   *
   * @throws JobFailedException if the job failed
   */
  void run(Pipeline pipeline, boolean verbose, Console console) {
    // Workers on this machine may need the devices that were looked at.
    Lowerings.all().forEach(Lowering::release);
    Duration interval = Buckets.isIn(output) ? LOOK_AT_BUCKET : LOOK_AT_DISK;
    // Workers show signs of life as well, and go on if this process dies.
    LeaseKeeper.Work waiting = new LeaseKeeper(lease).begin();
    try (ProgressDisplay display =
        new ProgressDisplay(
            console.err(),
            console.columns(),
            new StoredProgress(store, interval, System::nanoTime),
            System::nanoTime)) {
      LogOutput.configure(verbose, display::println);
      Thread hook = new Thread(() -> interrupted(display, console), "shardlight-cancel");
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        display.start();
        runner.run(pipeline, options);
      } finally {
        removeHook(hook);
        LogOutput.configure(verbose, console.err()::println);
      }
    } finally {
      waiting.close();
    }
  }

  /** Ctrl-C, or an end that the system asked for. */
  private void interrupted(ProgressDisplay display, Console console) {
    display.close();
    console.err().println("Interrupted; cancelling job " + options.getJobName());
    if (hasEnded(runner.cancel(options), console)) {
      release(lease);
    }
  }

  /** Whether nobody works on the output any more; tells if that is not so. */
  boolean hasEnded(Console console) {
    return hasEnded(runner.fate(options), console);
  }

  private boolean hasEnded(RemoteRunner.Fate fate, Console console) {
    String lease =
        "; its lease on "
            + output
            + " ends "
            + RunLease.STALE_AFTER.toMinutes()
            + " minutes after its last sign of life";
    switch (fate) {
      case ENDED -> {
        return true;
      }
      case RUNNING -> console.err().println("Job " + options.getJobName() + " goes on" + lease);
      case ENDING ->
          console.err().println("Job " + options.getJobName() + " is being cancelled" + lease);
      case UNKNOWN ->
          console
              .err()
              .println("Whether job " + options.getJobName() + " goes on is not known" + lease);
    }
    return false;
  }

  /** Others need not wait for a job that has ended. */
  static void release(RunLease lease) {
    try {
      lease.release();
    } catch (IOException | RuntimeException e) {
      LOG.warn("The lease could not be released: {}", e.toString());
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It is what ended the job.
      LOG.debug("Shutting down");
    }
  }
}
