package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;

/**
 * Beam's own options that help lists. Beam declares and reads them; these getters only describe
 * them, so no class implements this interface.
 */
interface RunnerOptions {
  @Description("What runs the pipeline.")
  @Option(
      group = OptionGroup.RUNNER,
      order = 1,
      values = {"DirectRunner"},
      notYet = {"DataflowRunner", "FlinkRunner", "SparkRunner"},
      defaultText = "DirectRunner")
  String getRunner();

  @Description(
      "Threads of the DirectRunner for reading and planning, and shards made at once. Drawing and"
          + " encoding have their own; a thread without work keeps a core busy. The images do not"
          + " depend on it.")
  @Option(group = OptionGroup.RUNNER, order = 2, min = 1, max = 1024, defaultText = "1")
  int getTargetParallelism();
}
