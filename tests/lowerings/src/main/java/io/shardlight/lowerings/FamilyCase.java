package io.shardlight.lowerings;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.weights.ComponentDirectory;
import io.shardlight.diffusion.weights.ModelAdditions;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What {@code StableDiffusionPipeline} drew with other models than the first: of the kind of Stable
 * Diffusion 2, with LoRAs, with another VAE.
 *
 * @param model the folder
 * @param predictionType what the UNet is said to predict, which the folder's scheduler config need
 *     not say
 */
public record FamilyCase(
    GoldenImage image, Path model, ModelAdditions additions, String predictionType) {

  /** Those of networks that predict the noise. */
  public static List<FamilyCase> epsilon() throws IOException {
    return all("epsilon");
  }

  /** Those of networks that predict the velocity, Salimans and Ho, arXiv:2202.00512. */
  public static List<FamilyCase> velocity() throws IOException {
    return all("v_prediction");
  }

  private static List<FamilyCase> all(String predictionType) throws IOException {
    List<GoldenImage> images = GoldenImage.families();
    List<FamilyCase> cases = new ArrayList<>();
    int index = 0;
    for (JsonNode json : Golden.json("families/images.json")) {
      GoldenImage image = images.get(index++);
      Optional<ComponentDirectory> vae =
          json.has("vae")
              ? Optional.of(
                  ComponentDirectory.open(
                      TinyModels.named(json.get("vae").asText()).resolve("vae")))
              : Optional.empty();
      if (json.path("prediction_type").asText("epsilon").equals(predictionType)) {
        cases.add(
            new FamilyCase(
                image,
                TinyModels.named(json.get("model").asText()),
                new ModelAdditions(LoraCase.loras(json.path("loras")), vae),
                predictionType));
      }
    }
    return cases;
  }

  @Override
  public String toString() {
    return image.id();
  }
}
