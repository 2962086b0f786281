package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;

/** What only concerns the terminal, for every command; never part of a job. */
interface TerminalOptions {
  @Description("Show the log of the libraries too. Prompts are not logged.")
  @Default.Boolean(false)
  @Option(group = OptionGroup.TERMINAL, order = 8)
  boolean isVerbose();

  @Description("Show this text.")
  @Default.Boolean(false)
  @Option(group = OptionGroup.TERMINAL, order = 9)
  boolean isHelp();
}
