package io.shardlight.pipeline;

import io.shardlight.data.StoredSecrets;
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

  @Description(
      "demo, a directory with a checkpoint in diffusers' layout, hf://owner/name[@revision] or"
          + " gs://bucket/folder; of the last two only the tokenizer is fetched.")
  @Default.String("demo")
  @Option(group = OptionGroup.MODEL, order = 1, example = "models/stable-diffusion-v1-4")
  String getModel();

  @Description(
      "Secret Manager's name of a secret with the Hugging Face Hub's token, in the place of"
          + " HF_TOKEN.")
  @Option(
      group = OptionGroup.MODEL,
      order = 2,
      pattern = StoredSecrets.FORM,
      patternText = "projects/P/secrets/S/versions/V, the name of a secret and never a token",
      example = "projects/my-project/secrets/hf-token/versions/latest",
      defaultText = "none")
  @Nullable String getHfTokenSecret();
}
