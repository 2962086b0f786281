package io.shardlight.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.Weights;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MakeCheckpointTest {
  private static final String SMALL =
      """
      {"text_encoder":{"file":"model.safetensors","config":{"eps":1e-05,"n":2},"tensors":{
        "ids":["I64",[1,5]],
        "final_layer_norm.weight":["F32",[7]]}},
       "unet":{"file":"diffusion_pytorch_model.safetensors",
        "config":{"flags":[true,null],"name":"x","inner":{"a":0.00085}},"tensors":{
        "conv_in.weight":["F32",[320,4,3,3]]}},
       "vae":{"file":"diffusion_pytorch_model.safetensors","config":{},"tensors":{
        "decoder.conv_out.bias":["F32",[3]]}},
       "scheduler":{"beta_end":0.012},
       "model_index":{"unet":["diffusers","UNet2DConditionModel"]}}
      """;

  private final Path folder;

  MakeCheckpointTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @Test
  void piecesJoinToWholeTensors() throws IOException {
    new CheckpointWriter(SMALL, 64).write(folder);
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.createDirectories(folder.resolve("tokenizer"));
      Files.copy(
          TinyModels.torch().resolve("tokenizer").resolve(file),
          folder.resolve("tokenizer").resolve(file));
    }

    ModelDirectory model = ModelDirectory.open(folder);
    Weights unet = model.weights("unet");
    assertThat(unet.names()).containsExactly("conv_in.weight");
    WeightFormula formula = new WeightFormula("unet", "conv_in.weight", List.of(320L, 4L, 3L, 3L));
    float[] found = values(unet.get("conv_in.weight"));
    assertThat(found).hasSize(11520);
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).isEqualTo(formula.value(i));
    }
    Weights text = model.weights("text_encoder");
    assertThat(text.names()).containsExactly("ids", "final_layer_norm.weight");
    float[] norm = values(text.get("final_layer_norm.weight"));
    assertThat(norm).hasSize(7);
    for (float value : norm) {
      assertThat(value).isBetween(0.9f, 1.1f);
    }
  }

  @Test
  void fileIsWrittenAsPythonWritesIt() throws IOException {
    new CheckpointWriter(SMALL, 1 << 20).write(folder);

    byte[] bytes = Files.readAllBytes(folder.resolve("text_encoder/model.safetensors"));
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"ids\":{\"dtype\":\"I64\",\"shape\":[1,5],\"data_offsets\":[0,40]},"
            + "\"final_layer_norm.weight\":"
            + "{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[40,68]}}";
    assertThat(bytes).hasSize(8 + header.length() + 68);
    assertThat(bytes[0]).isEqualTo((byte) header.length());
    assertThat(new String(bytes, 8, header.length(), StandardCharsets.UTF_8)).isEqualTo(header);
    for (int i = 0; i < 5; i++) {
      assertThat(bytes[8 + header.length() + 8 * i]).isEqualTo((byte) i);
    }
    assertThat(folder.resolve("text_encoder/config.json"))
        .hasContent("{\n  \"eps\": 1e-05,\n  \"n\": 2\n}");
    assertThat(folder.resolve("unet/config.json"))
        .hasContent(
            "{\n  \"flags\": [\n    true,\n    null\n  ],\n  \"name\": \"x\",\n"
                + "  \"inner\": {\n    \"a\": 0.00085\n  }\n}");
    assertThat(folder.resolve("scheduler/scheduler_config.json"))
        .hasContent("{\n  \"beta_end\": 0.012\n}");
  }

  @Test
  void descriptionIsThatOfVersionOnePointFour() throws IOException {
    JsonNode all = new ObjectMapper().readTree(MakeCheckpoint.description());
    // Parameter counts of CompVis/stable-diffusion-v1-4.
    assertThat(elements(all, "unet")).isEqualTo(859_520_964);
    assertThat(elements(all, "vae")).isEqualTo(83_653_863);
    assertThat(elements(all, "text_encoder")).isEqualTo(123_060_480 + 77); // and position_ids
  }

  @Test
  void modelThatIsThereIsNotOverwritten() throws IOException {
    new CheckpointWriter(SMALL, 64).write(folder);
    assertThatThrownBy(() -> new CheckpointWriter(SMALL, 64).write(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("model_index.json exists already; delete the folder");
  }

  @Test
  void wrongCommandLinesExitWithTwo() throws IOException {
    assertThat(MakeCheckpoint.run()).isEqualTo(2);
    assertThat(MakeCheckpoint.run("a", "b")).isEqualTo(2);
    assertThat(MakeCheckpoint.run("a", "--tokeniser=b")).isEqualTo(2);
    assertThat(MakeCheckpoint.run("a", "--tokenizer=" + folder)).isEqualTo(2);
  }

  private static long elements(JsonNode all, String component) {
    long count = 0;
    for (JsonNode tensor : all.path(component).path("tensors")) {
      long elements = 1;
      for (JsonNode size : tensor.path(1)) {
        elements *= size.asLong();
      }
      count += elements;
    }
    return count;
  }

  private static float[] values(ParameterData data) {
    FloatBuffer target = FloatBuffer.allocate((int) data.shape().size());
    data.read(0, target);
    return target.array();
  }
}
