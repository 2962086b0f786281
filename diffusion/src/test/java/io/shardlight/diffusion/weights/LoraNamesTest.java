package io.shardlight.diffusion.weights;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which weights LoRA files of three namings change, against diffusers' own loader. */
final class LoraNamesTest {
  private static final JsonNode GOLDEN = Golden.json("families/index.json").get("loras");

  @ParameterizedTest
  @CsvSource({"kohya, 119", "old_diffusers, 32", "peft, 40"})
  void changesTheWeightsThatDiffusersChanges(String name, int layersOfUnet) throws IOException {
    JsonNode golden = GOLDEN.get(name);
    ModelDirectory model = ModelDirectory.open(TinyModels.named(golden.get("model").asText()));

    Map<String, ParameterSource> merged = merge(model, name);

    assertThat(golden.get("changed").get("unet")).hasSize(layersOfUnet);
    for (String component : List.of("unet", "text_encoder")) {
      List<String> wanted = new ArrayList<>();
      golden.get("changed").get(component).forEach(weight -> wanted.add(weight.asText()));
      assertThat(merged.get(component))
          .isInstanceOfSatisfying(
              MergedWeights.class,
              weights -> assertThat(weights.changed()).containsExactlyInAnyOrderElementsOf(wanted));
    }
  }

  /** Flax keeps kernels in another order, which the LoRA does not know. */
  @Test
  void flaxCheckpointsGetTheSameWeights() throws IOException {
    Map<String, ParameterSource> torch = merge(ModelDirectory.open(TinyModels.torch()), "kohya");
    Map<String, ParameterSource> flax = merge(ModelDirectory.open(TinyModels.flax()), "kohya");

    for (String name :
        List.of(
            "conv_in.weight",
            "mid_block.resnets.0.conv1.weight",
            "mid_block.attentions.0.proj_in.weight",
            "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.weight")) {
      assertThat(values(flax, name)).as(name).isEqualTo(values(torch, name));
    }
  }

  private static float[] values(Map<String, ParameterSource> weights, String name) {
    ParameterData data = requireNonNull(weights.get("unet")).get(name);
    FloatBuffer target = FloatBuffer.allocate((int) data.shape().size());
    data.read(0, target);
    return target.array();
  }

  private static Map<String, ParameterSource> merge(ModelDirectory model, String name)
      throws IOException {
    Path file = Golden.folderOf("families/index.json").resolve(name + ".safetensors");
    return LoraMerge.merge(
        Map.of("unet", model.weights("unet"), "text_encoder", model.weights("text_encoder")),
        Map.of("unet", unet(model), "text_encoder", text(model)),
        List.of(new Lora(file, 1)));
  }

  private static Graph unet(ModelDirectory model) {
    return UNet2DCondition.read(model.config("unet"), Numerics.TORCH).graph(1, 16, 16, 77);
  }

  private static Graph text(ModelDirectory model) {
    return ClipTextModel.read(model.config("text_encoder")).graph(1);
  }
}
