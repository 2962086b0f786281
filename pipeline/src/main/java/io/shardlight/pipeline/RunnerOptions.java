package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;

/**
 * Beam's own options that help lists. Beam declares and reads them; these getters only describe
 * them, so no class implements this interface.
 */
interface RunnerOptions {
  @Description(
      "What runs the pipeline: this process, a cluster of Flink 1.19 on Java 17 or newer, or Google"
          + " Cloud Dataflow, which needs --project, --region and --tempLocation too. Workers must"
          + " reach all that the options name: give gs://, or with Flink local paths on a disk that"
          + " all machines share.")
  @Option(
      group = OptionGroup.RUNNER,
      order = 1,
      values = {"DirectRunner", "FlinkRunner", "DataflowRunner"},
      notYet = {"SparkRunner"},
      defaultText = "DirectRunner")
  String getRunner();

  @Description(
      "Threads of the DirectRunner for reading and planning, and shards made at once. Drawing and"
          + " encoding have their own; a thread without work keeps a core busy. The images do not"
          + " depend on it.")
  @Option(group = OptionGroup.RUNNER, order = 2, min = 1, max = 1024, defaultText = "1")
  int getTargetParallelism();

  @Description(
      "Address of the JobManager's web interface, for --runner=FlinkRunner. The command waits for"
          + " the job; interrupted by Ctrl-C it cancels it.")
  @Option(
      group = OptionGroup.RUNNER,
      order = 3,
      pattern = "[A-Za-z0-9._-]+:[0-9]{1,5}",
      patternText = "HOST:PORT",
      example = "flink-jobmanager:8081",
      defaultText = "none")
  String getFlinkMaster();

  @Description(
      "Slots of the Flink cluster to use at once. Its workers draw one batch at a time each,"
          + " however many slots they have. The images do not depend on it.")
  @Option(
      group = OptionGroup.RUNNER,
      order = 4,
      min = 1,
      max = 32768,
      defaultText = "all there are")
  int getParallelism();
}
