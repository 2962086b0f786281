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
      "Threads of the DirectRunner for all but the drawing itself. The images do not depend on it.")
  @Option(
      group = OptionGroup.RUNNER,
      order = 2,
      min = 1,
      max = 1024,
      defaultText = "the number of processors, at least 3")
  int getTargetParallelism();
}
