package io.shardlight.diffusion.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** By the lists of files of real repositories. */
class NeededFilesTest {
  private static final List<String> DESCRIPTION =
      List.of(
          "README.md",
          "feature_extractor/preprocessor_config.json",
          "model_index.json",
          "safety_checker/config.json",
          "scheduler/scheduler_config.json",
          "text_encoder/config.json",
          "tokenizer/merges.txt",
          "tokenizer/special_tokens_map.json",
          "tokenizer/tokenizer_config.json",
          "tokenizer/vocab.json",
          "unet/config.json",
          "vae/config.json");

  private static List<String> with(String... more) {
    List<String> names = new ArrayList<>(DESCRIPTION);
    names.addAll(List.of(more));
    return names;
  }

  private static List<String> weights(List<String> names) {
    NeededFiles needed = NeededFiles.of(names, Optional.empty());
    assertThat(needed.description()).containsExactlyElementsOf(DESCRIPTION);
    return needed.weights();
  }

  /** CompVis/stable-diffusion-v1-4, main. */
  private static List<String> main() {
    List<String> names =
        with(
            ".gitattributes",
            "v1-variants-scores.jpg",
            "scheduler/scheduler_config-checkpoint.json");
    for (String folder : List.of("unet/diffusion_pytorch_model", "vae/diffusion_pytorch_model")) {
      names.addAll(
          List.of(
              folder + ".bin",
              folder + ".fp16.bin",
              folder + ".fp16.safetensors",
              folder + ".non_ema.safetensors",
              folder + ".safetensors"));
    }
    for (String folder : List.of("text_encoder", "safety_checker")) {
      names.addAll(
          List.of(
              folder + "/pytorch_model.bin",
              folder + "/model.fp16.safetensors",
              folder + "/model.safetensors"));
    }
    return names;
  }

  @Test
  void takesFullPrecisionFirst() {
    assertThat(weights(main()))
        .containsExactly(
            "safety_checker/model.safetensors",
            "text_encoder/model.safetensors",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/diffusion_pytorch_model.safetensors");
  }

  @Test
  void takesTheVariantThatIsAskedFor() {
    assertThat(NeededFiles.of(main(), Optional.of("fp16")).weights())
        .containsExactly(
            "safety_checker/model.fp16.safetensors",
            "text_encoder/model.fp16.safetensors",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "vae/diffusion_pytorch_model.fp16.safetensors");
    assertThatThrownBy(() -> NeededFiles.of(main(), Optional.of("fp8")))
        .hasMessage(
            "not every one of text_encoder, unet, vae has weights of variant fp8 in safetensors;"
                + " leave --variant out, or give one that is there");
  }

  @Test
  void takesFp16WhereThereIsNothingElse() {
    assertThat(
            weights(
                with(
                    "text_encoder/model.safetensors",
                    "unet/diffusion_pytorch_model.fp16.safetensors",
                    "vae/diffusion_pytorch_model.safetensors")))
        .containsExactly(
            "text_encoder/model.safetensors",
            "unet/diffusion_pytorch_model.fp16.safetensors",
            "vae/diffusion_pytorch_model.safetensors");
  }

  /** CompVis/stable-diffusion-v1-4, bf16. */
  @Test
  void takesFlaxWhereThereIsNoSafetensors() {
    assertThat(
            weights(
                with(
                    "safety_checker/flax_model.msgpack",
                    "text_encoder/flax_model.msgpack",
                    "text_encoder/pytorch_model.bin",
                    "unet/diffusion_flax_model.msgpack",
                    "vae/diffusion_flax_model.msgpack")))
        .containsExactly(
            "safety_checker/flax_model.msgpack",
            "text_encoder/flax_model.msgpack",
            "unet/diffusion_flax_model.msgpack",
            "vae/diffusion_flax_model.msgpack");
  }

  @Test
  void takesAllPartsOfWeightsThatAreInParts() {
    List<String> parts =
        List.of(
            "unet/diffusion_pytorch_model-00001-of-00002.safetensors",
            "unet/diffusion_pytorch_model-00002-of-00002.safetensors",
            "unet/diffusion_pytorch_model.safetensors.index.json");
    List<String> names =
        with("text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors");
    names.addAll(parts);
    names.add("unet/diffusion_pytorch_model.fp16-00001-of-00001.safetensors");
    assertThat(weights(names)).containsAll(parts).hasSize(5);

    List<String> variant =
        with(
            "text_encoder/model.fp16.safetensors",
            "vae/diffusion_pytorch_model.fp16.safetensors",
            "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
            "unet/diffusion_pytorch_model-00001-of-00001.fp16.safetensors");
    assertThat(NeededFiles.of(variant, Optional.of("fp16")).weights()).hasSize(4);
  }

  @Test
  void saysWhyNothingCanBeUsed() {
    assertThatThrownBy(() -> NeededFiles.of(List.of("config.json"), Optional.empty()))
        .hasMessageContaining("not a model in diffusers' layout, as it has no model_index.json");
    assertThatThrownBy(
            () ->
                NeededFiles.of(
                    with("unet/diffusion_pytorch_model.bin", "text_encoder/model.safetensors"),
                    Optional.empty()))
        .hasMessageContaining("no weights in safetensors or Flax msgpack for unet, vae; pickled");
  }

  @Test
  void aTokenizerNeedsItsOwnFilesOnly() {
    assertThat(NeededFiles.ofTokenizer(main()))
        .containsExactly(
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json");
  }
}
