package io.shardlight.runners.flink;

import java.time.Duration;
import java.util.List;
import org.apache.beam.runners.flink.FlinkPipelineOptions;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.util.construction.resources.PipelineResources;
import org.apache.flink.api.common.restartstrategy.RestartStrategies;
import org.apache.flink.api.java.RemoteEnvironment;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;

/**
 * Where Beam's runner puts a job: an environment of ours, so that the job brings its restart
 * strategy along, which Beam gives to streaming jobs only. A cluster's default is to give up.
 *
 * <p>Beam finds it as it finds that of Flink's own command line, by the master {@code [auto]}.
 */
@SuppressWarnings("deprecation") // Beam's batch jobs are made with the DataSet API.
final class Submission extends RemoteEnvironment {
  private static final String CONTEXT = "[auto]";

  /**
   * Failures within {@link #INTERVAL} that a job survives: a job of many hours lives through any
   * number of lost workers, and one that cannot succeed ends soon.
   */
  static final int FAILURES = 6;

  static final Duration INTERVAL = Duration.ofMinutes(10);

  private static final Duration DELAY = Duration.ofSeconds(2);

  private Submission(String host, int port, Configuration configuration, List<String> files) {
    super(host, port, configuration, files.toArray(new String[0]));
  }

  /** Runs a pipeline to its end on the cluster that the options name. */
  static void run(Pipeline pipeline, FlinkPipelineOptions options) {
    String master = options.getFlinkMaster();
    int colon = master.lastIndexOf(':');
    PipelineResources.prepareFilesForStaging(options);
    Submission submission =
        new Submission(
            master.substring(0, colon),
            Integer.parseInt(master.substring(colon + 1)),
            options.getFlinkConfDir() == null
                ? new Configuration()
                : GlobalConfiguration.loadConfiguration(options.getFlinkConfDir()),
            options.getFilesToStage());
    submission.getConfig().setRestartStrategy(restarts(options));
    initializeContextEnvironment(() -> submission);
    options.setFlinkMaster(CONTEXT);
    try {
      pipeline.run();
    } finally {
      options.setFlinkMaster(master);
      resetContextEnvironment();
    }
  }

  /** The user's own numbers, or ours. */
  static RestartStrategies.RestartStrategyConfiguration restarts(FlinkPipelineOptions options) {
    int retries = options.getNumberOfExecutionRetries();
    Duration delay =
        options.getExecutionRetryDelay() < 0
            ? DELAY
            : Duration.ofMillis(options.getExecutionRetryDelay());
    if (retries == 0) {
      return RestartStrategies.noRestart();
    }
    return retries > 0
        ? RestartStrategies.fixedDelayRestart(retries, delay)
        : RestartStrategies.failureRateRestart(FAILURES, INTERVAL, delay);
  }
}
