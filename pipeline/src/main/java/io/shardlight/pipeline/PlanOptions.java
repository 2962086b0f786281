package io.shardlight.pipeline;

import io.shardlight.data.Prompt;
import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/** What {@code plan} reckons with, beside the options of {@code generate}. */
interface PlanOptions {
  @Description(
      "Reckons with so many images of Stable Diffusion 1.x in the place of prompts: nothing is read"
          + " or looked at, and --input, --output and --model are left out.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 1,
      min = 1,
      max = MOST_IMAGES,
      example = "1000000",
      defaultText = "those of the prompts")
  @Nullable Long getImages();

  @Description(
      "Machine of a worker, for the speed and price that are written down for it: eight chips of a"
          + " TPU v5e, an NVIDIA L4, or an NVIDIA H100.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 2,
      values = {"v5e-8", "l4", "h100"},
      defaultText = "none")
  @Nullable String getWorkerKind();

  @Description("How many workers there are.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 3,
      min = 1,
      max = 100_000,
      example = "16",
      defaultText = "1, or as many as --withinHours needs")
  @Nullable Integer getWorkers();

  @Description("Hours in which all must be done, for the number of workers that it takes.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 4,
      min = 0.01,
      max = 100_000,
      example = "24",
      defaultText = "none")
  @Nullable Double getWithinHours();

  @Description(
      "How many images a worker makes in a second, of the size and steps that are asked for; the"
          + " report of an earlier run tells.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 5,
      min = 0.000_001,
      max = 1_000_000,
      example = "4.8",
      defaultText = "what is written down for --workerKind, else no estimate of the time")
  @Nullable Double getImagesPerSecond();

  @Description("What a worker costs in an hour.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 6,
      min = 0,
      max = 1_000_000,
      example = "3.67",
      defaultText = "what is written down for --workerKind, else no estimate of the cost")
  @Nullable Double getPricePerHour();

  @Description("Minutes from the submission of a job until its workers draw.")
  @Option(
      group = OptionGroup.ESTIMATE,
      order = 7,
      min = 0,
      max = 1440,
      example = "10",
      defaultText = "what is written down for --workerKind, else 0")
  @Nullable Integer getStartMinutes();

  /** As many prompts of one image as an input may have, or more. */
  long MOST_IMAGES = 1_000_000L * Prompt.MAX_IMAGES;
}
