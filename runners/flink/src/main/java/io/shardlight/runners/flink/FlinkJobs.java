package io.shardlight.runners.flink;

import io.shardlight.pipeline.JobFailedException;
import io.shardlight.pipeline.RemoteRunner;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.UnresolvedAddressException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;

/** Submits jobs to a Flink cluster. */
public final class FlinkJobs implements RemoteRunner {
  /** The versions whose clusters understand our client: what Beam's runner is built for. */
  private static final String VERSION = "1.19.";

  private static final int JAVA = 17;

  /** Six results at once, of 512 buffers of 32 KiB each: what sorting shuffles take at least. */
  private static final long NETWORK_BYTES_PER_SLOT = 6L * 512 * (32 << 10);

  /** Of one job: 22 MB were measured, and some more while it starts. */
  private static final long METASPACE_BYTES = 32L << 20;

  /** How long {@link #cancel} waits, in looks a quarter of a second apart. */
  private static final int LOOKS = 80;

  /** Of the options that were prepared; in a submission Beam's master is none to ask. */
  private volatile Optional<FlinkCluster> prepared = Optional.empty();

  /** Made by {@link java.util.ServiceLoader}. */
  public FlinkJobs() {}

  @Override
  public String name() {
    return "FlinkRunner";
  }

  @Override
  public List<String> prepare(PipelineOptions pipelineOptions) {
    FlinkPipelineOptions options = pipelineOptions.as(FlinkPipelineOptions.class);
    List<String> problems = new ArrayList<>();
    if (!options.getAttachedMode()) {
      problems.add("--attachedMode=false: the command always waits for its job; leave it out");
    }
    if (options.isStreaming() || options.getUseDataStreamForBatch()) {
      problems.add(
          "--streaming, --useDataStreamForBatch: a dataset is made by a batch job of Flink's"
              + " DataSet API; leave them out");
    }
    problems.addAll(prepareFor(options));
    return problems;
  }

  private List<String> prepareFor(FlinkPipelineOptions options) {
    String option = "--flinkMaster=" + options.getFlinkMaster() + ": ";
    FlinkCluster cluster = new FlinkCluster(options.getFlinkMaster());
    prepared = Optional.of(cluster);
    FlinkCluster.Overview overview;
    try {
      overview = cluster.overview();
    } catch (IOException e) {
      return List.of(
          option
              + "must be the web interface of a running JobManager, but "
              + reason(e)
              + "; start the cluster, or give the address of the right one");
    }
    if (!overview.version().startsWith(VERSION)) {
      return List.of(
          option
              + "must run Flink "
              + VERSION
              + "x, but runs "
              + overview.version()
              + "; use a cluster of that version");
    }
    if (overview.java().filter(java -> java < JAVA).isPresent()) {
      return List.of(
          option
              + "must run on Java "
              + JAVA
              + " or newer, but runs on Java "
              + overview.java().get()
              + "; start the cluster with another, for example by the image flink:1.19-java17");
    }
    if (options.getParallelism() == -1) {
      if (overview.slots() == 0) {
        return List.of(
            option
                + "must have a TaskManager with a free slot, but has none; start one, or give"
                + " --parallelism if the cluster starts them when they are needed");
      }
      options.setParallelism(overview.slots());
    }
    if (overview
        .networkBytesPerSlot()
        .filter(bytes -> bytes < NETWORK_BYTES_PER_SLOT)
        .isPresent()) {
      return List.of(
          option
              + "must have "
              + (NETWORK_BYTES_PER_SLOT >> 20)
              + " MiB of network memory for each slot, but a TaskManager has "
              + (overview.networkBytesPerSlot().get() >> 20)
              + "; raise taskmanager.memory.network.min and .max, or give it fewer slots");
    }
    if (overview.freeMetaspace().filter(bytes -> bytes < METASPACE_BYTES).isPresent()) {
      return List.of(
          option
              + "must have "
              + (METASPACE_BYTES >> 20)
              + " MiB of metaspace for a job's classes, but a TaskManager has "
              + (overview.freeMetaspace().get() >> 20)
              + " left, as those of earlier jobs stay; start it anew, with a larger"
              + " taskmanager.memory.jvm-metaspace.size for more jobs");
    }
    // Each step's results are whole before the next begins, so that a job goes on with fewer slots
    // than it began with, and only what was lost is done again.
    if (options.getExecutionModeForBatch().equals(FlinkPipelineOptions.PIPELINED)) {
      options.setExecutionModeForBatch("BATCH");
    }
    if (options.getFilesToStage() == null) {
      options.setFilesToStage(StagedFiles.of(options));
    }
    return List.of();
  }

  /** Java's client says why it could not connect in its causes alone. */
  private static String reason(IOException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof UnresolvedAddressException) {
        return "there is no host of that name";
      }
    }
    return e instanceof ConnectException
        ? "nothing listens there"
        : Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
  }

  @Override
  public void run(Pipeline pipeline, PipelineOptions pipelineOptions) {
    try {
      Submission.run(pipeline, pipelineOptions.as(FlinkPipelineOptions.class));
    } catch (RuntimeException e) {
      throw new JobFailedException(Failures.explain(e), e);
    }
  }

  @Override
  public Fate fate(PipelineOptions options) {
    try {
      return fate(cluster(options).find(options.getJobName()));
    } catch (IOException e) {
      return Fate.UNKNOWN;
    }
  }

  private static Fate fate(Optional<FlinkCluster.Job> job) {
    return job.isEmpty() || job.get().hasEnded() ? Fate.ENDED : Fate.RUNNING;
  }

  @Override
  public Fate cancel(PipelineOptions options) {
    FlinkCluster cluster = cluster(options);
    try {
      Optional<FlinkCluster.Job> job = cluster.find(options.getJobName());
      if (fate(job) == Fate.RUNNING) {
        cluster.cancel(job.orElseThrow());
      }
      for (int look = 0; fate(job) == Fate.RUNNING && look < LOOKS; look++) {
        TimeUnit.MILLISECONDS.sleep(250);
        job = cluster.find(options.getJobName());
      }
      return fate(job);
    } catch (IOException e) {
      return Fate.UNKNOWN;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Fate.UNKNOWN;
    }
  }

  private FlinkCluster cluster(PipelineOptions options) {
    return prepared.orElseGet(
        () -> new FlinkCluster(options.as(FlinkPipelineOptions.class).getFlinkMaster()));
  }
}
