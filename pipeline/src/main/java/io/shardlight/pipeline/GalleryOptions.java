package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Validation;

/** The options of {@code gallery}. */
interface GalleryOptions {
  @Description(
      "Directory of a dataset, finished or not; may stand without its name, as in ./shardlight"
          + " gallery out.")
  @Validation.Required
  @Option(group = OptionGroup.FILES, order = 1, example = "out")
  String getDataset();
}
