package io.shardlight.pipeline;

import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.options.PipelineOptions;

/**
 * A runner whose workers are other processes, mostly on other machines. Those on the class path are
 * found by {@link ServiceLoader}, as engines are; the DirectRunner is none.
 */
public interface RemoteRunner {
  /** What has become of a job. */
  enum Fate {
    /** It does nothing any more, or never began. */
    ENDED,
    /** It goes on. */
    RUNNING,
    /** It goes on, and has been told to end. */
    ENDING,
    /** Nobody answers who would know. */
    UNKNOWN
  }

  /** The value of {@code --runner}. */
  String name();

  /**
   * Checks what can be told from options alone, before a file or a model is looked at.
   *
   * @param options with nothing wrong with a single one of them
   * @return a line for each thing that is wrong, beginning with the option
   */
  default List<String> check(PipelineOptions options) {
    return List.of();
  }

  /**
   * The devices that a worker will have, for a runner whose workers need not be like this machine.
   * Empty if this machine's devices are to be looked at.
   *
   * @param options in which {@link #check} found nothing
   */
  default Optional<WorkerDevices> devices(PipelineOptions options) {
    return Optional.empty();
  }

  /**
   * Checks the runner's own options and the place that is to run the job, and completes them: a job
   * needs none that could be found out.
   *
   * @return a line for each thing that is wrong, beginning with the option
   */
  List<String> prepare(PipelineOptions options);

  /**
   * Submits a job and waits for its end.
   *
   * @param options as {@link #prepare} left them; the job's name is unlike that of any other
   * @throws JobFailedException if it failed or was cancelled
   */
  void run(Pipeline pipeline, PipelineOptions options);

  /**
   * Stops the job that another thread waits for, and waits a moment for it to have stopped.
   *
   * @return as {@link #fate}
   */
  Fate cancel(PipelineOptions options);

  /** Asks for the job of these options. */
  Fate fate(PipelineOptions options);

  /**
   * Hands over a job that logs these lines and makes nothing, if whoever started this program waits
   * for a job and takes it for a failure when there is none, as the launcher of a template does.
   * The job has one small worker, whatever the options ask for.
   *
   * @param options in which {@link #check} found nothing; they are of no use for another job then
   * @return whether such a job was handed over
   * @throws JobFailedException if it could not be
   */
  default boolean handOver(List<String> lines, PipelineOptions options) {
    return false;
  }

  /** The runner of that name, if it is one of these and on the class path. */
  static Optional<RemoteRunner> find(String name) {
    return ServiceLoader.load(RemoteRunner.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(runner -> runner.name().equals(name))
        .findFirst();
  }
}
