package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/** The options of {@code devices}. */
interface DevicesOptions {
  @Description("The library through which engine PJRT reaches its devices.")
  @Option(
      group = OptionGroup.MODEL,
      order = 1,
      example = "/usr/lib/libtpu.so",
      defaultText = "what PJRT_NAMES_AND_LIBRARY_PATHS or TPU_LIBRARY_PATH name")
  @Nullable String getPjrtPlugin();
}
