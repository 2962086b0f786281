package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;

/** For commands whose result a program may want to read. */
interface JsonOption {
  @Description("Print the result as one JSON object on standard output, and nothing else there.")
  @Default.Boolean(false)
  @Option(group = OptionGroup.TERMINAL, order = 1)
  boolean isJson();
}
