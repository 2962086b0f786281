package io.shardlight.diffusion.weights;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** LoRAs on a model of three weights; golden data of diffusers' own loader judge whole networks. */
final class LoraTest {
  private static final String Q = "mid_block.attn1.to_q";
  private static final String OUT = "mid_block.attn1.to_out.0";
  private static final String TEXT = "text_model.encoder.layers.0.self_attn.q_proj";

  private final Path folder;
  private final Path file;

  LoraTest(@TempDir Path folder) {
    this.folder = folder;
    this.file = folder.resolve("style.safetensors");
  }

  @BeforeEach
  void writeModel() throws IOException {
    new SafetensorsFile()
        .withRamp(Q + ".weight", 1, 1, 2, 3) // 1 2 3 / 4 5 6
        .with(OUT + ".weight", 0, 3, 2)
        .with(OUT + ".bias", 0, 3)
        .withRamp("conv.weight", 0, 1, 1, 2, 1, 2) // 0 1 / 2 3
        .write(folder.resolve("unet.safetensors"));
    new SafetensorsFile().with(TEXT + ".weight", 0, 2, 2).write(folder.resolve("text.safetensors"));
  }

  private Map<String, ParameterSource> merge(Lora... loras) throws IOException {
    GraphBuilder unet = new GraphBuilder("unet");
    unet.parameter(Q + ".weight", 2, 3);
    unet.parameter(OUT + ".weight", 3, 2);
    unet.parameter(OUT + ".bias", 3);
    unet.parameter("conv.weight", 1, 2, 1, 2);
    GraphBuilder text = new GraphBuilder("text_encoder");
    text.parameter(TEXT + ".weight", 2, 2);
    return LoraMerge.merge(
        Map.of(
            "unet", Weights.open(folder.resolve("unet.safetensors")),
            "text_encoder", Weights.open(folder.resolve("text.safetensors"))),
        Map.of("unet", graph(unet), "text_encoder", graph(text)),
        List.of(loras));
  }

  private static Graph graph(GraphBuilder builder) {
    builder.output("out", builder.input("in", DataType.FLOAT32, 1));
    return builder.build();
  }

  private float[] merged(String component, String name, Lora... loras) throws IOException {
    return values(requireNonNull(merge(loras).get(component)).get(name + ".weight"));
  }

  private static float[] values(ParameterData data) {
    FloatBuffer target = FloatBuffer.allocate((int) data.shape().size());
    data.read(0, target);
    return target.array();
  }

  /** Every naming of one layer of the UNet: up [1; 2], down [10 20 30], so [10 20 30; 20 40 60]. */
  @ParameterizedTest
  @CsvSource({
    "lora_unet_mid_block_attn1_to_q.lora_down.weight,"
        + " lora_unet_mid_block_attn1_to_q.lora_up.weight",
    "unet.mid_block.attn1.to_q.lora_A.weight, unet.mid_block.attn1.to_q.lora_B.weight",
    "unet.mid_block.attn1.to_q.lora.down.weight, unet.mid_block.attn1.to_q.lora.up.weight",
    "unet.mid_block.attn1.processor.to_q_lora.down.weight,"
        + " unet.mid_block.attn1.processor.to_q_lora.up.weight",
    "mid_block.attn1.processor.to_q_lora.down.weight,"
        + " mid_block.attn1.processor.to_q_lora.up.weight",
  })
  void everyNamingChangesTheSameWeight(String down, String up) throws IOException {
    new SafetensorsFile().withRamp(up, 1, 1, 2, 1).withRamp(down, 10, 10, 1, 3).write(file);

    assertThat(merged("unet", Q, new Lora(file, 1))).containsExactly(11, 22, 33, 24, 45, 66);
    assertThat(merged("unet", Q, new Lora(file, 0.5f))).containsExactly(6, 12, 18, 14, 25, 36);
    assertThat(merged("unet", Q, new Lora(file, -1))).containsExactly(-9, -18, -27, -16, -35, -54);
    assertThat(merged("unet", OUT, new Lora(file, 1))).containsOnly(0);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_X.weight",
        "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_X.weight",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora.X.weight",
        "text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.X.weight",
        "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.X.weight",
        "text_encoder.encoder.layers.0.self_attn.q_proj.lora.X.weight",
      })
  void everyNamingOfTheTextEncoderIsFound(String name) throws IOException {
    new SafetensorsFile()
        .withRamp(name.replace("X", "down"), 1, 1, 1, 2)
        .withRamp(name.replace("X", "up"), 1, 1, 2, 1)
        .write(file);

    assertThat(merged("text_encoder", TEXT, new Lora(file, 1))).containsExactly(1, 2, 2, 4);
    assertThat(merged("unet", Q, new Lora(file, 1))).containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void formerNameOfTheOutputIsFound() throws IOException {
    String name = "unet.mid_block.attn1.processor.to_out_lora.";
    new SafetensorsFile()
        .withRamp(name + "down.weight", 1, 1, 1, 2)
        .withRamp(name + "up.weight", 1, 0, 3, 1)
        .write(file);

    assertThat(merged("unet", OUT, new Lora(file, 1))).containsExactly(1, 2, 1, 2, 1, 2);
  }

  @Test
  void alphaIsDividedByTheRankOfEachLayer() throws IOException {
    new SafetensorsFile()
        .with("lora_unet_mid_block_attn1_to_q.alpha", 8)
        .with("lora_unet_mid_block_attn1_to_q.lora_down.weight", 1, 4, 3)
        .with("lora_unet_mid_block_attn1_to_q.lora_up.weight", 1, 2, 4)
        .with("lora_unet_mid_block_attn1_to_out_0.lora_down.weight", 1, 2, 2)
        .with("lora_unet_mid_block_attn1_to_out_0.lora_up.weight", 1, 3, 2)
        .with("lora_unet_conv.alpha", 1)
        .withRamp("lora_unet_conv.lora_down.weight", 1, 0, 2, 2, 1, 2)
        .withRamp("lora_unet_conv.lora_up.weight", 1, 0, 1, 2, 1, 1)
        .write(file);
    Lora lora = new Lora(file, 1);

    // Rank 4, alpha 8: twice the product of ones, which is 4.
    assertThat(merged("unet", Q, lora)).containsExactly(9, 10, 11, 12, 13, 14);
    // No alpha: as if it were the rank.
    assertThat(merged("unet", OUT, lora)).containsOnly(2);
    // Rank 2, alpha 1, a convolution: half of 2.
    assertThat(merged("unet", "conv", lora)).containsExactly(1, 2, 3, 4);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // Rank 4; the product of ones is 4.
        "{}                                                                 | 4",
        "{'unet.lora_alpha': 2}                                             | 2",
        "{'unet.lora_alpha': 2, 'unet.use_rslora': true}                    | 4",
        "{'text_encoder.lora_alpha': 2}                                     | 4",
        "{'unet.lora_alpha': 2, 'unet.alpha_pattern': {'to_q': 8}}          | 8",
        "{'unet.lora_alpha': 2, 'unet.alpha_pattern': {'^mid_block.attn1.to_q': 8}} | 8",
        "{'unet.lora_alpha': 2, 'unet.alpha_pattern': {'^to_q': 8}}         | 2",
        "{'unet.lora_alpha': 2, 'unet.alpha_pattern': {'o_q': 8}}           | 2",
      })
  void alphaOfPeftsConfigurationCounts(String metadata, float change) throws IOException {
    new SafetensorsFile()
        .withNote("lora_adapter_metadata", metadata.replace('\'', '"'))
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 4, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 4)
        .write(file);

    assertThat(merged("unet", Q, new Lora(file, 1))[0]).isEqualTo(1 + change);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'unet.use_dora': true}                    | unet.use_dora is true",
        "{'unet.lora_alpha': 'much'}                | lora_alpha that is not a number",
        "{'unet.alpha_pattern': {'(a+)+$': 8}}      | alpha_pattern that is no module's name:"
            + " (a+)+$",
        "{'unet.lora_alpha':                        | lora_adapter_metadata that is not JSON",
      })
  void configurationsThatAskForMoreAreRefused(String metadata, String message) throws IOException {
    new SafetensorsFile()
        .withNote("lora_adapter_metadata", metadata.replace('\'', '"'))
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 4, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 4)
        .write(file);

    rejects(message);
  }

  @Test
  void severalAreAddedInTheirOrder() throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .write(file);
    Lora large = new Lora(file, 1e9f);
    Lora minus = new Lora(file, -1e9f);
    Lora one = new Lora(file, 1);

    // In float32, 1 is lost beside 10^9.
    assertThat(merged("unet", Q, large, minus, one)).containsExactly(1, 1, 1, 1, 1, 1);
    assertThat(merged("unet", Q, one, large, minus)[0]).isZero();
  }

  @Test
  void pieceOfAWeightIsThatOfTheWhole() throws IOException {
    new SafetensorsFile()
        .withRamp("unet.mid_block.attn1.to_q.lora_A.weight", 0.1f, 0.3f, 2, 3)
        .withRamp("unet.mid_block.attn1.to_q.lora_B.weight", 0.7f, 0.2f, 2, 2)
        .write(file);
    ParameterData data = requireNonNull(merge(new Lora(file, 0.3f)).get("unet")).get(Q + ".weight");
    float[] whole = values(data);

    assertThat(data.region()).isEmpty();
    assertThat(data.dataType()).isEqualTo(DataType.FLOAT32);
    for (int start = 0; start < 6; start++) {
      for (int end = start; end <= 6; end++) {
        FloatBuffer piece = FloatBuffer.allocate(end - start);
        data.read(start, piece);
        assertThat(piece.array())
            .as("[%d, %d)", start, end)
            .isEqualTo(Arrays.copyOfRange(whole, start, end));
      }
    }
  }

  @Test
  void weightsThatNoLoraChangesStayWhereTheyLie() throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .write(file);
    ParameterSource unet = requireNonNull(merge(new Lora(file, 1)).get("unet"));
    ParameterSource plain = requireNonNull(merge().get("unet"));

    assertThat(unet.get(OUT + ".weight").region()).isEqualTo(plain.get(OUT + ".weight").region());
    assertThat(unet.get(OUT + ".weight").region()).isPresent();
    assertThat(unet.fingerprint(OUT + ".weight")).isEqualTo(plain.fingerprint());
    assertThat(merge(new Lora(file, 1)).get("text_encoder")).isInstanceOf(Weights.class);
  }

  @Test
  void fingerprintFollowsFilesScalesAndOrder() throws IOException {
    Path other = folder.resolve("other.safetensors");
    for (Path lora : List.of(file, other)) {
      new SafetensorsFile()
          .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
          .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
          .write(lora);
    }
    String one = fingerprint(new Lora(file, 1));

    assertThat(fingerprint(new Lora(file, 1))).isEqualTo(one);
    assertThat(fingerprint(new Lora(file, 0.5f))).isNotEqualTo(one);
    assertThat(fingerprint(new Lora(other, 1))).isNotEqualTo(one);
    assertThat(fingerprint(new Lora(file, 1), new Lora(other, 1)))
        .isNotEqualTo(fingerprint(new Lora(other, 1), new Lora(file, 1)));
    Files.setLastModifiedTime(file, FileTime.from(1_700_000_000_123L, TimeUnit.MILLISECONDS));
    assertThat(fingerprint(new Lora(file, 1))).isNotEqualTo(one);
  }

  private String fingerprint(Lora... loras) throws IOException {
    return requireNonNull(merge(loras).get("unet")).fingerprint(Q + ".weight");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "x.hada_w1_a                       | is a LoHa",
        "x.lokr_w1                         | is a LoKr",
        "x.lora_mid.weight                 | is a LoCon in CP decomposition",
        "x.dora_scale                      | is a DoRA",
        "unet.x.lora_magnitude_vector      | is a DoRA",
        "x.oft_blocks                      | is an OFT",
        "x.diff_b                          | is a LyCORIS of full differences",
        "x.on_input                        | is an IA3",
        "unet.x.lora_B.bias                | is a LoRA with biases",
        "emb_params                        | is a textual inversion embedding",
        "unet.x.scalar                     | has tensors of no LoRA: unet.x.scalar",
      })
  void otherKindsAreRefusedByName(String tensor, String message) throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .with(tensor, 1, 1)
        .write(file);

    rejects(message);
  }

  @Test
  void checkpointIsNoLora() throws IOException {
    assertThatThrownBy(() -> merge(new Lora(folder.resolve("unet.safetensors"), 1)))
        .isInstanceOf(LoraException.class)
        .hasMessageContaining("is not a LoRA, as no tensor is named like one's: " + Q);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lora_te2_text_model_encoder_layers_0_self_attn_q_proj | made for Stable Diffusion XL",
        "transformer.single_transformer_blocks.0.attn.to_q     | made for a transformer",
        "lora_unet_double_blocks_0_img_attn_proj               | made for Flux",
        "lora_unet_mid_block_attn9_to_q | 1 of its 2 layers match no weight of the model:"
            + " lora_unet_mid_block_attn9_to_q; take",
        "lora_vae_decoder_conv_in       | 1 of its 2 layers match no weight of the model",
        "unet.mid_block.attn1.to_out.0.bias | 1 of its 2 layers match no weight of the model",
      })
  void layersThatMatchNothingAreNamed(String stem, String message) throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .with(stem + ".lora_down.weight", 1, 1, 3)
        .with(stem + ".lora_up.weight", 1, 2, 1)
        .write(file);

    rejects(message);
  }

  @Test
  void manyThatMatchNothingAreCounted() throws IOException {
    SafetensorsFile many = new SafetensorsFile();
    for (int i = 0; i < 9; i++) {
      many.with("unet.x." + i + ".lora_A.weight", 1, 1, 3)
          .with("unet.x." + i + ".lora_B.weight", 1, 2, 1);
    }
    many.write(file);

    rejects(
        "9 of its 9 layers match no weight of the model: unet.x.0, unet.x.1, unet.x.2, unet.x.3,"
            + " unet.x.4 and 4 more; take");
  }

  @Test
  void layersOfOtherShapesAreNamed() throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 4)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .write(file);

    rejects(
        "1 of its 1 layers have other shapes than the model's weights: unet.mid_block.attn1.to_q is"
            + " for a weight of [2, 4], but the model's is [2, 3]; take a LoRA that was made");
  }

  @ParameterizedTest
  @CsvSource({
    "768, 1024, made for Stable Diffusion 1.x; but the model is Stable Diffusion 2.x",
    "1024, 768, made for Stable Diffusion 2.x; but the model is Stable Diffusion 1.x",
    "2048, 768, made for Stable Diffusion XL; but the model is Stable Diffusion 1.x",
    "768, 32, made for Stable Diffusion 1.x; but the model is another",
  })
  void otherFamiliesAreToldByTheWidthOfThePrompt(int made, int model, String message)
      throws IOException {
    new SafetensorsFile()
        .with("attn2.to_k.weight", 0, 2, model)
        .write(folder.resolve("m.safetensors"));
    GraphBuilder builder = new GraphBuilder("unet");
    builder.parameter("attn2.to_k.weight", 2, model);
    Graph graph = graph(builder);
    Weights weights = Weights.open(folder.resolve("m.safetensors"));
    SafetensorsFile lora =
        new SafetensorsFile()
            .with("unet.attn2.to_k.lora_A.weight", 1, 1, made)
            .with("unet.attn2.to_k.lora_B.weight", 1, 2, 1);

    for (boolean deeper : new boolean[] {false, true}) {
      if (deeper) {
        lora.with("unet.deeper.lora_A.weight", 1, 1, 2).with("unet.deeper.lora_B.weight", 1, 2, 1);
      }
      lora.write(file);
      assertThatThrownBy(
              () ->
                  LoraMerge.merge(
                      Map.of("unet", weights), Map.of("unet", graph), List.of(new Lora(file, 1))))
          .isInstanceOf(LoraException.class)
          .hasMessageContaining(message.replace(';', ','));
    }
  }

  @Test
  void kernelsOfAnotherSizeAreNamed() throws IOException {
    new SafetensorsFile()
        .withRamp("lora_unet_conv.lora_down.weight", 1, 0, 2, 2, 2, 1)
        .withRamp("lora_unet_conv.lora_up.weight", 1, 0, 1, 2, 1, 1)
        .write(file);

    rejects("lora_unet_conv is for a weight of [1, 2, 2], but the model's is [1, 2, 1, 2]");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2,3   | 2,1 | factors do not fit each other",
        "3     | 2,1 | factors do not fit each other",
        "1,3   | 1   | factors do not fit each other",
        "1,3   | 2,1,3,3 | factors do not fit each other",
        "0,3   | 2,0 | factors do not fit each other",
      })
  void factorsThatDoNotFitAreRefused(String down, String up, String message) throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, shape(down))
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, shape(up))
        .write(file);

    rejects(message);
  }

  private static long[] shape(String text) {
    return Arrays.stream(text.split(",")).mapToLong(Long::parseLong).toArray();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"x.lora_down.weight", "x.lora_up.weight", "x.alpha", "unet.x.lora_B.weight"})
  void factorWithoutTheOtherIsRefused(String tensor) throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .with(tensor, 1, 1)
        .write(file);

    rejects("has layers with one of the two factors only: ");
  }

  @Test
  void layerUnderTwoNamesIsRefused() throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .with("lora_unet_mid_block_attn1_to_q.lora_down.weight", 1, 1, 3)
        .with("lora_unet_mid_block_attn1_to_q.lora_up.weight", 1, 2, 1)
        .write(file);

    rejects("changes one weight twice: ");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void alphaThatIsNoNumberIsRefused(float alpha) throws IOException {
    new SafetensorsFile()
        .with("lora_unet_mid_block_attn1_to_q.lora_down.weight", 1, 1, 3)
        .with("lora_unet_mid_block_attn1_to_q.lora_up.weight", 1, 2, 1)
        .with("lora_unet_mid_block_attn1_to_q.alpha", alpha)
        .write(file);

    rejects("has an alpha that is not one finite number");
  }

  @ParameterizedTest
  @CsvSource({"I64, 2", "I32, 2", "F64, 2", "F16, 2", "BF16, 2"})
  void alphaMayBeOfAnyTypeOfNumber(String type, float change) throws IOException {
    new SafetensorsFile()
        .with("lora_unet_mid_block_attn1_to_q.lora_down.weight", 1, 4, 3)
        .with("lora_unet_mid_block_attn1_to_q.lora_up.weight", 1, 2, 4)
        .withScalar("lora_unet_mid_block_attn1_to_q.alpha", type, 2)
        .write(file);

    // Rank 4; the product of ones is 4.
    assertThat(merged("unet", Q, new Lora(file, 1))[0]).isEqualTo(1 + change);
  }

  @Test
  void scalesThatAreNoNumbersAreRefused() {
    assertThatThrownBy(() -> new Lora(file, Float.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("scale must be a finite number, but was NaN");
  }

  @Test
  void cutFileIsRefused() throws IOException {
    new SafetensorsFile()
        .with("unet.mid_block.attn1.to_q.lora_A.weight", 1, 1, 3)
        .with("unet.mid_block.attn1.to_q.lora_B.weight", 1, 2, 1)
        .write(file);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));

    assertThatThrownBy(() -> merge(new Lora(file, 1)))
        .isInstanceOf(MalformedWeightsException.class)
        .hasMessageStartingWith(file + ", byte ");
  }

  private void rejects(String message) {
    assertThatThrownBy(() -> merge(new Lora(file, 1)))
        .isInstanceOf(LoraException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message);
  }
}
