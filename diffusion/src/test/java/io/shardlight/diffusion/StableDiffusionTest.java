package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
        .hasMessageContaining("in_channels is 9")
        .hasMessageContaining("latent_channels is 4");
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
