package io.shardlight.lowerings;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.Lora;
import io.shardlight.diffusion.weights.LoraMerge;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * LoRAs of one of the tiny models, which diffusers' own loader read and fused.
 *
 * @param changed the weights that it changed, as component and name
 */
public record LoraCase(String name, Path model, List<Lora> loras, List<String> changed) {
  private static final Path FOLDER = Golden.folderOf("families/index.json");

  /** All of the golden data. */
  public static List<LoraCase> all() {
    List<LoraCase> cases = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry :
        Golden.json("families/index.json").get("loras").properties()) {
      JsonNode json = entry.getValue();
      List<String> changed = new ArrayList<>();
      for (String component : List.of("unet", "text_encoder")) {
        json.get("changed").get(component).forEach(n -> changed.add(component + "/" + n.asText()));
      }
      cases.add(
          new LoraCase(
              entry.getKey(),
              TinyModels.named(json.get("model").asText()),
              loras(json.get("scales")),
              changed));
    }
    return cases;
  }

  /**
   * @param scales by the file's name without its ending, in the order of merging
   */
  static List<Lora> loras(JsonNode scales) {
    List<Lora> loras = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : scales.properties()) {
      loras.add(
          new Lora(FOLDER.resolve(entry.getKey() + ".safetensors"), entry.getValue().floatValue()));
    }
    return loras;
  }

  /** The model's weights with the LoRAs, by component. */
  public Map<String, ParameterSource> merged() throws IOException {
    ModelDirectory directory = ModelDirectory.open(model);
    int size = directory.config("unet").get("sample_size").intValue();
    return LoraMerge.merge(
        Map.of(
            "unet", directory.weights("unet"), "text_encoder", directory.weights("text_encoder")),
        Map.of(
            "unet",
            UNet2DCondition.read(directory.config("unet"), Numerics.TORCH).graph(1, size, size, 77),
            "text_encoder",
            ClipTextModel.read(directory.config("text_encoder")).graph(1)),
        loras);
  }

  @Override
  public String toString() {
    return name;
  }
}
