package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shardlight.diffusion.model.GenerationConfig;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.ModelDirectoryException;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StableDiffusionTest {
  @TempDir Path folder;

  @Test
  void numericsFollowTheCheckpointsOriginUnlessAskedFor() throws IOException {
    assertThat(open(TinyModels.torch(), Optional.empty()).numerics()).isEqualTo(Numerics.TORCH);
    assertThat(open(TinyModels.flax(), Optional.empty()).numerics()).isEqualTo(Numerics.FLAX);
    assertThat(open(TinyModels.flax(), Optional.of(Numerics.TORCH)).numerics())
        .isEqualTo(Numerics.TORCH);
  }

  @Test
  void guidanceIsOffWhereEachReferenceHasItOff() throws IOException {
    StableDiffusion torch = open(TinyModels.torch(), Optional.empty());
    StableDiffusion flax = open(TinyModels.flax(), Optional.empty());
    assertThat(torch.guides(7.5f)).isTrue();
    assertThat(torch.guides(1)).isFalse();
    assertThat(torch.guides(0.5f)).isFalse();
    assertThat(flax.guides(7.5f)).isTrue();
    assertThat(flax.guides(1)).isFalse();
    assertThat(flax.guides(0.5f)).isTrue();
  }

  @Test
  void imagesAreAsLargeAsTheModelWasTrainedFor() throws IOException {
    StableDiffusion model = open(TinyModels.torch(), Optional.empty());
    assertThat(model.defaultWidthPixels()).isEqualTo(128);
    assertThat(model.defaultHeightPixels()).isEqualTo(128);
  }

  @Test
  void stepsAndGuidanceAreTheModelsOwnElseThoseOfDiffusers() throws IOException {
    copy(TinyModels.torch());
    assertThat(open(folder, Optional.empty()).generationConfig())
        .isEqualTo(new GenerationConfig(50, 7.5f));

    Path file = folder.resolve(GenerationConfig.FILE);
    Files.writeString(file, "{\"num_inference_steps\": 25, \"guidance_scale\": 4.5}");
    assertThat(open(folder, Optional.empty()).generationConfig())
        .isEqualTo(new GenerationConfig(25, 4.5f));

    Files.writeString(file, "{\"guidance_scale\": 3}");
    assertThat(open(folder, Optional.empty()).generationConfig())
        .isEqualTo(new GenerationConfig(50, 3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"num_inference_steps\": 0}  | \"num_inference_steps\" is 0",
        "{\"num_inference_steps\": 2.5} | \"num_inference_steps\" is 2.5",
        "{\"guidance_scale\": -1}        | \"guidance_scale\" is -1",
        "{\"guidance_scale\": \"high\"}  | \"guidance_scale\" is \"high\"",
        "{\"guidance_scale\": 1e39}      | \"guidance_scale\" is 1.0E39",
        "{\"temperature\": 1}            | \"temperature\" = 1",
        "[25]                            | generation_config.json must be a JSON object",
        "{\"guidance_scale\": 3          | generation_config.json, line 1",
      })
  void refusesDefaultsThatItCannotFollow(String json, String message) throws IOException {
    copy(TinyModels.torch());
    Files.writeString(folder.resolve(GenerationConfig.FILE), json);

    assertThatThrownBy(() -> open(folder, Optional.empty()))
        .hasMessageContaining("generation_config.json")
        .hasMessageContaining(message);
  }

  @Test
  void componentsThatDoNotFitEachOtherAreAllNamed() throws IOException {
    copy(TinyModels.torch());
    edit("tokenizer/tokenizer_config.json", "\"model_max_length\": 77", "\"model_max_length\": 64");
    edit("unet/config.json", "\"cross_attention_dim\": 32", "\"cross_attention_dim\": 48");
    edit("unet/config.json", "\"in_channels\": 4", "\"in_channels\": 9");

    assertThatThrownBy(() -> open(folder, Optional.empty()))
        .isInstanceOf(ModelDirectoryException.class)
        .hasMessageContaining("model_max_length is 64")
        .hasMessageContaining("max_position_embeddings is 77")
        .hasMessageContaining("cross_attention_dim is 48")
        .hasMessageContaining("hidden_size is 32")
        .hasMessageContaining("in_channels is 9, as in models for inpainting");
  }

  private static StableDiffusion open(Path path, Optional<Numerics> numerics) throws IOException {
    return StableDiffusion.open(ModelDirectory.open(path), numerics);
  }

  private void edit(String file, String from, String to) throws IOException {
    Path path = folder.resolve(file);
    String text = Files.readString(path);
    assertThat(text).contains(from);
    Files.writeString(path, text.replace(from, to));
  }

  private void copy(Path source) throws IOException {
    try (Stream<Path> walk = Files.walk(source)) {
      for (Path file : (Iterable<Path>) walk.filter(Files::isRegularFile)::iterator) {
        Path target = folder.resolve(source.relativize(file).toString());
        Files.createDirectories(target.getParent());
        Files.copy(file, target);
      }
    }
  }
}
