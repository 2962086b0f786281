package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/** What {@code plan} reckons with, beside the options of {@code generate}. */
interface PlanOptions {
  @Description(
      "How many images all workers together make in a second, for the time it will take; the"
          + " report of an earlier run tells.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 1,
      min = 0.000_001,
      max = 1_000_000,
      example = "4.8",
      defaultText = "no estimate of the time")
  @Nullable Double getImagesPerSecond();

  @Description("What all workers together cost in an hour, in any currency.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 2,
      min = 0,
      max = 1_000_000,
      example = "3.67",
      defaultText = "no estimate of the cost")
  @Nullable Double getPricePerHour();
}
