package io.shardlight.runners.dataflow;

import com.google.api.services.dataflow.Dataflow;
import com.google.api.services.dataflow.model.Job;
import com.google.api.services.dataflow.model.JobMessage;
import com.google.api.services.dataflow.model.ListJobsResponse;
import io.shardlight.pipeline.JobFailedException;
import io.shardlight.pipeline.RemoteRunner;
import io.shardlight.pipeline.WorkerDevices;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.beam.runners.dataflow.DataflowClient;
import org.apache.beam.runners.dataflow.DataflowPipelineJob;
import org.apache.beam.runners.dataflow.options.DataflowPipelineOptions;
import org.apache.beam.runners.dataflow.util.MonitoringUtil;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.options.PipelineOptions;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.ParDo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Submits jobs to Google Cloud Dataflow and waits for them. */
public final class DataflowJobs implements RemoteRunner {
  private static final Logger LOG = LoggerFactory.getLogger(DataflowJobs.class);

  /** As Beam has it for those at which Dataflow's own messages are errors. */
  private static final String ERROR = "JOB_MESSAGE_ERROR";

  private static final String CANCELLED = "JOB_STATE_CANCELLED";

  /** Looks of {@link #cancel}. */
  private static final int LOOKS = 10;

  private final Duration interval;

  /** The job of this process, once it was submitted. */
  private volatile Optional<DataflowPipelineJob> submitted = Optional.empty();

  /** Made by {@link java.util.ServiceLoader}. */
  public DataflowJobs() {
    this(Duration.ofSeconds(10));
  }

  /**
   * @param interval between two looks at a job
   */
  DataflowJobs(Duration interval) {
    this.interval = interval;
  }

  @Override
  public String name() {
    return "DataflowRunner";
  }

  @Override
  public List<String> check(PipelineOptions options) {
    return DataflowSettings.check(options);
  }

  @Override
  public Optional<WorkerDevices> devices(PipelineOptions options) {
    return Optional.of(DataflowSettings.devices(options));
  }

  @Override
  public List<String> prepare(PipelineOptions options) {
    return DataflowSettings.prepare(options);
  }

  @Override
  public void run(Pipeline pipeline, PipelineOptions pipelineOptions) {
    DataflowPipelineOptions options = pipelineOptions.as(DataflowPipelineOptions.class);
    if (leavesGraph(options)) {
      throw new JobFailedException(
          "--templateLocation, --dataflowJobFile: this command runs its job and waits for it; leave"
              + " them out");
    }
    DataflowPipelineJob job;
    try {
      job = (DataflowPipelineJob) pipeline.run(options);
    } catch (RuntimeException e) {
      throw new JobFailedException(Failures.line(e), e);
    }
    submitted = Optional.of(job);
    LOG.info("Job {}: {}", options.getJobName(), page(job));
    PipelineResult.State state = await(job);
    if (state != PipelineResult.State.DONE) {
      String reason = Failures.reason(errors(job.getJobId(), options));
      throw new JobFailedException(
          (reason.isEmpty() ? "its state is " + state : reason) + " (" + page(job) + ")");
    }
  }

  /** Whether the job is only written down, for somebody else to start. */
  private static boolean leavesGraph(DataflowPipelineOptions options) {
    return options.getTemplateLocation() != null || options.getDataflowJobFile() != null;
  }

  @Override
  public boolean handOver(List<String> lines, PipelineOptions pipelineOptions) {
    DataflowPipelineOptions options = pipelineOptions.as(DataflowPipelineOptions.class);
    if (!leavesGraph(options)) {
      return false;
    }
    List<String> problems = DataflowSettings.prepareIdle(options);
    if (!problems.isEmpty()) {
      throw new JobFailedException(String.join("; ", problems));
    }
    Pipeline pipeline = Pipeline.create(options);
    pipeline.apply("NothingToDo", Create.of(lines)).apply("Say", ParDo.of(new LogLines()));
    try {
      pipeline.run(options);
    } catch (RuntimeException e) {
      throw new JobFailedException(Failures.line(e), e);
    }
    return true;
  }

  private static String page(DataflowPipelineJob job) {
    return MonitoringUtil.getJobMonitoringPageURL(
        job.getProjectId(), job.getRegion(), job.getJobId());
  }

  /** Waits for the end, through times at which nobody answers. */
  private PipelineResult.State await(DataflowPipelineJob job) {
    boolean silent = false;
    try {
      while (true) {
        PipelineResult.State state = job.getState();
        if (state.isTerminal()) {
          return state;
        }
        boolean unknown = state == PipelineResult.State.UNKNOWN;
        if (unknown && !silent) {
          LOG.warn("Dataflow does not say how job {} is; asking on", job.getJobId());
        }
        silent = unknown;
        TimeUnit.NANOSECONDS.sleep(interval.toNanos());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobFailedException("nobody waits for it any more", e);
    }
  }

  /** What Dataflow lists as errors of a job, oldest first. */
  private static List<String> errors(String id, DataflowPipelineOptions options) {
    try {
      List<String> errors = new ArrayList<>();
      MonitoringUtil monitoring = new MonitoringUtil(DataflowClient.create(options));
      for (JobMessage message : monitoring.getJobMessages(id, -1)) {
        if (ERROR.equals(message.getMessageImportance()) && message.getMessageText() != null) {
          errors.add(message.getMessageText());
        }
      }
      return errors;
    } catch (IOException e) {
      return List.of("its messages cannot be read: " + Failures.line(e));
    }
  }

  @Override
  public Fate fate(PipelineOptions options) {
    try {
      DataflowPipelineOptions dataflow = options.as(DataflowPipelineOptions.class);
      Optional<Job> job = find(dataflow);
      return job.map(DataflowJobs::fate).orElse(Fate.ENDED);
    } catch (IOException e) {
      return Fate.UNKNOWN;
    }
  }

  private static Fate fate(Job job) {
    String state = Optional.ofNullable(job.getCurrentState()).orElse("JOB_STATE_UNKNOWN");
    if (MonitoringUtil.toState(state).isTerminal()) {
      return Fate.ENDED;
    }
    return state.equals("JOB_STATE_CANCELLING") || CANCELLED.equals(job.getRequestedState())
        ? Fate.ENDING
        : Fate.RUNNING;
  }

  /** The job of this process, or what is active under its name; empty if it never began. */
  private Optional<Job> find(DataflowPipelineOptions options) throws IOException {
    if (submitted.isPresent()) {
      return Optional.of(DataflowClient.create(options).getJob(submitted.get().getJobId()));
    }
    Dataflow.Projects.Locations.Jobs.List active =
        options
            .getDataflowClient()
            .projects()
            .locations()
            .jobs()
            .list(options.getProject(), options.getRegion())
            .setFilter("ACTIVE");
    while (true) {
      ListJobsResponse page = active.execute();
      for (Job job : Optional.ofNullable(page.getJobs()).orElse(List.of())) {
        if (options.getJobName().equalsIgnoreCase(job.getName())) {
          return Optional.of(job);
        }
      }
      if (page.getNextPageToken() == null) {
        return Optional.empty();
      }
      active.setPageToken(page.getNextPageToken());
    }
  }

  /** Asks for the end, which takes Dataflow minutes if there are workers. */
  @Override
  public Fate cancel(PipelineOptions options) {
    DataflowPipelineOptions dataflow = options.as(DataflowPipelineOptions.class);
    try {
      Optional<Job> job = find(dataflow);
      if (job.isEmpty() || fate(job.get()) == Fate.ENDED) {
        return Fate.ENDED;
      }
      String id = job.get().getId();
      Job change =
          new Job().setProjectId(dataflow.getProject()).setId(id).setRequestedState(CANCELLED);
      DataflowClient client = DataflowClient.create(dataflow);
      client.updateJob(id, change);
      Fate fate = Fate.ENDING;
      for (int look = 0; fate != Fate.ENDED && look < LOOKS; look++) {
        TimeUnit.NANOSECONDS.sleep(interval.dividedBy(5).toNanos());
        fate = fate(client.getJob(id)) == Fate.ENDED ? Fate.ENDED : Fate.ENDING;
      }
      return fate;
    } catch (IOException e) {
      return Fate.UNKNOWN;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Fate.UNKNOWN;
    }
  }
}
