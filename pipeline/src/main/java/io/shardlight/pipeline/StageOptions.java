package io.shardlight.pipeline;

import io.shardlight.data.StoredSecrets;
import org.apache.beam.sdk.options.Description;
import org.apache.beam.sdk.options.Validation;
import org.jspecify.annotations.Nullable;

/** The options of {@code stage}. */
interface StageOptions {
  @Description(
      "The model to bring: hf://owner/name[@revision] on the Hugging Face Hub, a branch, tag or"
          + " commit; a directory in diffusers' layout; or gs://bucket/folder, where stage put"
          + " one.")
  @Validation.Required
  @Option(group = OptionGroup.MODEL, order = 1, example = "hf://CompVis/stable-diffusion-v1-4")
  String getModel();

  @Description(
      "Where to put it: a directory, or gs://bucket/folder. It must be new, empty, or hold the same"
          + " model, which is completed.")
  @Validation.Required
  @Option(group = OptionGroup.MODEL, order = 2, example = "models/stable-diffusion-v1-4")
  String getTo();

  @Description(
      "Id of the model's licence, to say that you accept it; needed where the model's card names"
          + " one.")
  @Option(
      group = OptionGroup.MODEL,
      order = 3,
      example = "creativeml-openrail-m",
      defaultText = "none accepted")
  @Nullable String getAcceptLicense();

  @Description(
      "Variant of the weights, for models on the Hub that have several: fp16 is what lies in files"
          + " such as model.fp16.safetensors.")
  @Option(
      group = OptionGroup.MODEL,
      order = 4,
      values = {"fp16"},
      defaultText = "full precision, or fp16 where there is nothing else")
  @Nullable String getVariant();

  @Description(
      "Secret Manager's name of a secret with the Hugging Face Hub's token, in the place of"
          + " HF_TOKEN.")
  @Option(
      group = OptionGroup.MODEL,
      order = 5,
      pattern = StoredSecrets.FORM,
      patternText = "projects/P/secrets/S/versions/V, the name of a secret and never a token",
      example = "projects/my-project/secrets/hf-token/versions/latest",
      defaultText = "none")
  @Nullable String getHfTokenSecret();
}
