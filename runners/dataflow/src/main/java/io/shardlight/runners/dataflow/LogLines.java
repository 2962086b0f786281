package io.shardlight.runners.dataflow;

import org.apache.beam.sdk.transforms.DoFn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes lines into the log of the job. */
final class LogLines extends DoFn<String, Void> {
  private static final long serialVersionUID = 1;
  private static final Logger LOG = LoggerFactory.getLogger(LogLines.class);

  @ProcessElement
  public void process(@Element String line) {
    LOG.info("{}", line);
  }
}
