package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Validation;

/** For commands that look at a dataset. */
interface DatasetOption {
  /** Its name, for a word that stands without one. */
  String NAME = "dataset";

  @Description(
      "The dataset, finished or not: a local directory or gs://bucket/folder. It may stand without"
          + " the option's name.")
  @Validation.Required
  @Option(group = OptionGroup.FILES, order = 1, example = "out")
  String getDataset();
}
