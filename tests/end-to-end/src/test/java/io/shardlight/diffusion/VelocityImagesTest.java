package io.shardlight.diffusion;

import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.FamilyCase;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Images of a tiny model of the kind of Stable Diffusion 2.1 with 768 pixels, whose UNet predicts
 * the velocity: its {@code scheduler_config.json} says so.
 */
class VelocityImagesTest {
  static List<FamilyCase> cases() throws IOException {
    List<FamilyCase> cases = FamilyCase.velocity();
    assertThat(cases).hasSize(2);
    return cases;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void drawsWhatThePyTorchPipelineDraws(FamilyCase family, @TempDir Path folder)
      throws IOException {
    Path model =
        TinyModels.withScheduler(
            family.model(),
            folder.resolve("model"),
            Map.of("prediction_type", family.predictionType()));

    try (TextToImage textToImage =
        TextToImage.replicate(
            StableDiffusion.open(ModelDirectory.open(model), Optional.empty()),
            TextToImageOptions.DEFAULTS)) {
      GoldenImagesTest.assertDraws(
          textToImage, family.image(), GoldenImagesTest.noise(family.image().request()));
    }
  }
}
