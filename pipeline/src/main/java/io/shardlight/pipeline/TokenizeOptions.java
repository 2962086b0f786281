package io.shardlight.pipeline;

import org.apache.beam.sdk.options.Default;
import org.apache.beam.sdk.options.Description;
import org.jspecify.annotations.Nullable;

/** The options of {@code tokenize}. */
interface TokenizeOptions {
  @Description("One prompt.")
  @Option(group = OptionGroup.FILES, order = 1, pattern = "(?s).*", example = "\"a red fox\"")
  @Nullable String getPrompt();

  @Description(
      "A prompt file, read as generate reads it, templates as they are typed. Without --prompt and"
          + " --input, standard input is read like a .txt file.")
  @Option(group = OptionGroup.FILES, order = 2, example = "prompts.txt")
  @Nullable String getInput();

  @Description("demo, or a directory with a checkpoint in diffusers' layout.")
  @Default.String("demo")
  @Option(group = OptionGroup.MODEL, order = 1, example = "models/stable-diffusion-v1-4")
  String getModel();
}
