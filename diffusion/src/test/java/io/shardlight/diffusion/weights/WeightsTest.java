package io.shardlight.diffusion.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.GraphBuilder;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterData.FileRegion;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class WeightsTest {
  private final Path folder;

  WeightsTest(@TempDir Path folder) {
    this.folder = folder;
  }

  @ParameterizedTest
  @ValueSource(strings = {"text_encoder", "unet", "vae", "safety_checker"})
  void flaxHoldsTheTensorsOfPyTorchToTheBit(String component) throws IOException {
    Weights torch = ModelDirectory.open(TinyModels.torch()).weights(component);
    Weights flax = ModelDirectory.open(TinyModels.flax()).weights(component);

    assertThat(torch.origin()).isEqualTo(Origin.TORCH);
    assertThat(flax.origin()).isEqualTo(Origin.FLAX);
    assertThat(new TreeSet<>(flax.names())).isEqualTo(namesOfFloats(torch));
    for (String name : flax.names()) {
      assertThat(flax.get(name).shape()).as(name).isEqualTo(torch.get(name).shape());
      assertThat(flax.get(name).dataType()).as(name).isEqualTo(DataType.FLOAT32);
      assertThat(bits(flax.get(name))).as(name).isEqualTo(bits(torch.get(name)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"text_encoder", "unet", "vae", "safety_checker"})
  void bfloat16FlaxHoldsTheRoundedTensors(String component) throws IOException {
    Weights torch = ModelDirectory.open(TinyModels.torch()).weights(component);
    Weights flax = ModelDirectory.open(TinyModels.flaxBfloat16()).weights(component);

    assertThat(new TreeSet<>(flax.names())).isEqualTo(namesOfFloats(torch));
    for (String name : flax.names()) {
      assertThat(flax.get(name).dataType()).as(name).isEqualTo(DataType.BFLOAT16);
      int[] rounded =
          IntStream.of(bits(torch.get(name))).map(WeightsTest::roundToBfloat16).toArray();
      assertThat(bits(flax.get(name))).as(name).isEqualTo(rounded);
    }
  }

  /** To the nearest, ties to even, on the bits of finite float32. */
  private static int roundToBfloat16(int bits) {
    return bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000;
  }

  @ParameterizedTest
  @ValueSource(strings = {"text_encoder", "unet", "vae", "safety_checker"})
  void float16VariantIsTheNearestFloat16(String component) throws IOException {
    Weights full = ModelDirectory.open(TinyModels.torch()).weights(component);
    String variant = full.file().getFileName().toString().replace(".safe", ".fp16.safe");
    Weights half = Weights.open(full.file().resolveSibling(variant));

    assertThat(half.names()).isEqualTo(full.names());
    for (String name : namesOfFloats(half)) {
      assertThat(half.get(name).dataType()).as(name).isEqualTo(DataType.FLOAT16);
      float[] wanted = values(full.get(name));
      float[] found = values(half.get(name));
      int far = 0;
      for (int i = 0; i < wanted.length; i++) {
        // Half of the last of 11 bits, or of the smallest subnormal.
        double halfUlp = Math.max(Math.scalb(1.0, Math.getExponent(wanted[i]) - 11), 0x1p-25);
        far += Math.abs((double) found[i] - wanted[i]) > halfUlp ? 1 : 0;
      }
      assertThat(far).as(name).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-sd", "tiny-sd-flax", "tiny-sd-flax-bf16"})
  void regionsHoldTheElementsInTheOrderOfTheShape(String model) throws IOException {
    Path home =
        switch (model) {
          case "tiny-sd" -> TinyModels.torch();
          case "tiny-sd-flax" -> TinyModels.flax();
          default -> TinyModels.flaxBfloat16();
        };
    for (String component : new String[] {"text_encoder", "unet", "vae"}) {
      Weights weights = ModelDirectory.open(home).weights(component);
      for (String name : namesOfFloats(weights)) {
        ParameterData data = weights.get(name);
        boolean kernel =
            name.endsWith("weight")
                && data.shape().dimension() > 1
                && !name.contains("embedding.w");
        assertThat(data.region().isPresent())
            .as(name)
            .isEqualTo(weights.origin() == Origin.TORCH || !kernel);
        if (data.region().isPresent()) {
          assertThat(fromRegion(data)).as(name).isEqualTo(values(data));
        }
      }
    }
  }

  private static float[] fromRegion(ParameterData data) throws IOException {
    FileRegion region = data.region().orElseThrow();
    ByteBuffer bytes = ByteBuffer.allocate((int) region.length()).order(ByteOrder.LITTLE_ENDIAN);
    try (RandomAccessFile file = new RandomAccessFile(region.file().toFile(), "r")) {
      file.seek(region.offset());
      file.readFully(bytes.array());
    }
    float[] values = new float[(int) data.shape().size()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          data.dataType() == DataType.FLOAT32
              ? bytes.getFloat()
              : Float.intBitsToFloat(bytes.getShort() << 16);
    }
    assertThat(bytes.hasRemaining()).isFalse();
    return values;
  }

  @Test
  void namesLostInFlaxAreFoundEitherWay() throws IOException {
    Weights flax = ModelDirectory.open(TinyModels.flax()).weights("unet");
    assertThat(flax.names()).contains("time_embedding.linear_1.weight");
    ParameterData other = flax.get("time_embedding.linear.1.weight");
    assertThat(other.name()).isEqualTo("time_embedding.linear.1.weight");
    assertThat(values(other)).isEqualTo(values(flax.get("time_embedding.linear_1.weight")));
  }

  @Test
  void unknownNameIsRefused() throws IOException {
    Weights unet = ModelDirectory.open(TinyModels.torch()).weights("unet");
    assertThatThrownBy(() -> unet.get("conv_in.wait"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(unet.file().toString())
        .hasMessageContaining("\"conv_in.wait\"");
  }

  @Test
  void unknownFileTypeIsRefused() throws IOException {
    Path file = Files.write(folder.resolve("model.bin"), new byte[9]);
    assertThatThrownBy(() -> Weights.open(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be a .safetensors or a .msgpack file");
  }

  @Test
  void graphsThatReadTheirPartsOfTheFileMatchTogether() throws IOException {
    for (Path model : new Path[] {TinyModels.torch(), TinyModels.flax()}) {
      Weights text = ModelDirectory.open(model).weights("text_encoder");
      Map<String, Shape> all = shapes(text);
      all.remove("text_model.embeddings.position_ids");
      Map<String, Shape> first = new TreeMap<>(all);
      Map<String, Shape> second = new TreeMap<>(all);
      first.remove("text_model.final_layer_norm.bias");
      second.remove("text_model.final_layer_norm.weight");

      text.requireMatch(graph("first", first), graph("second", second));
      assertThatThrownBy(() -> text.requireMatch(graph("first", first)))
          .isInstanceOf(WeightsMismatchException.class)
          .hasMessageContaining("0 missing, 0 misshapen, 1 unused")
          .hasMessageContaining("text_model.final_layer_norm.bias");
    }
  }

  @Test
  void everythingThatDiffersIsListedAtOnce() throws IOException {
    Weights unet = ModelDirectory.open(TinyModels.torch()).weights("unet");
    Map<String, Shape> wanted = shapes(unet);
    wanted.remove("conv_out.bias");
    wanted.remove("conv_out.weight");
    wanted.put("conv_in.weight", new Shape(32, 9, 3, 3));
    wanted.put("add_embedding.weight", new Shape(7));

    assertThatThrownBy(() -> unet.requireMatch(graph("unet", wanted)))
        .isInstanceOfSatisfying(
            WeightsMismatchException.class,
            e -> {
              assertThat(e.missing()).containsExactly("add_embedding.weight");
              assertThat(e.misshapen())
                  .containsExactly(
                      "conv_in.weight has shape (32, 4, 3, 3), but the graph needs (32, 9, 3, 3)");
              assertThat(e.unused()).containsExactly("conv_out.bias", "conv_out.weight");
            })
        .hasMessageStartingWith(unet.file() + ": its tensors are not those of unet")
        .hasMessageContaining("1 missing, 1 misshapen, 2 unused")
        .hasMessageContaining("Take the config.json that was saved with this file");
  }

  @Test
  void messageStaysReadableWhenThousandsDiffer() throws IOException {
    Weights unet = ModelDirectory.open(TinyModels.torch()).weights("unet");
    Map<String, Shape> wanted = new TreeMap<>();
    IntStream.range(0, 5000).forEach(i -> wanted.put("layer." + i, new Shape(1)));

    assertThatThrownBy(() -> unet.requireMatch(graph("unet", wanted)))
        .isInstanceOfSatisfying(
            WeightsMismatchException.class,
            e -> {
              assertThat(e.missing()).hasSize(5000);
              assertThat(e.unused()).hasSize(304);
              assertThat(String.valueOf(e.getMessage()).lines())
                  .hasSize(1 + (1 + 20 + 1) + (1 + 20 + 1) + 1);
            })
        .hasMessageContaining("5000 missing, 0 misshapen, 304 unused")
        .hasMessageContaining("... and 4980 more")
        .hasMessageContaining("... and 284 more");
  }

  @Test
  void integersAreNoParameters() throws IOException {
    Weights weights = open("{'x':{'dtype':'I64','shape':[1],'data_offsets':[0,8]}}");

    assertThatThrownBy(() -> weights.requireMatch(graph("net", Map.of("x", new Shape(1)))))
        .isInstanceOf(WeightsMismatchException.class)
        .hasMessageContaining("x holds int64, but the graph needs floats");
  }

  @Test
  void newerNamesOfVaeAttentionBecomeTheFormerOnes() throws IOException {
    Weights weights =
        open(
            """
            {'encoder.mid_block.attentions.0.to_q.bias':
               {'dtype':'F16','shape':[1],'data_offsets':[0,2]},
             'decoder.mid_block.attentions.0.to_out.0.weight':
               {'dtype':'F16','shape':[1,1],'data_offsets':[2,4]},
             'mid_block.attentions.0.to_q.bias':
               {'dtype':'F16','shape':[1],'data_offsets':[4,6]},
             'decoder.mid_block.attentions.0.key.bias':
               {'dtype':'F16','shape':[1],'data_offsets':[6,8]}}
            """);

    assertThat(weights.names())
        .containsExactly(
            "encoder.mid_block.attentions.0.query.bias",
            "decoder.mid_block.attentions.0.proj_attn.weight",
            "mid_block.attentions.0.to_q.bias",
            "decoder.mid_block.attentions.0.key.bias");
    weights.names().forEach(name -> assertThat(weights.get(name).name()).as(name).isEqualTo(name));
  }

  @Test
  void convolutionsOfVaeAttentionAreLinearLayers() throws IOException {
    new SafetensorsFile()
        .withRamp("decoder.mid_block.attentions.0.query.weight", 0, 1, 2, 3, 1, 1)
        .withRamp("decoder.mid_block.attentions.0.to_out.0.weight", 6, 1, 2, 3, 1, 1)
        .with("decoder.mid_block.attentions.0.to_k.weight", 0, 2, 3, 3, 3)
        .with("quant_conv.weight", 0, 2, 3, 1, 1)
        .write(folder.resolve("a.safetensors"));

    Weights weights = Weights.open(folder.resolve("a.safetensors"));

    ParameterData query = weights.get("decoder.mid_block.attentions.0.query.weight");
    assertThat(query.shape()).isEqualTo(new Shape(2, 3));
    assertThat(values(query)).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(query.region()).isPresent();
    assertThat(weights.get("decoder.mid_block.attentions.0.proj_attn.weight").shape())
        .isEqualTo(new Shape(2, 3));
    assertThat(weights.get("decoder.mid_block.attentions.0.key.weight").shape())
        .isEqualTo(new Shape(2, 3, 3, 3));
    assertThat(weights.get("quant_conv.weight").shape()).isEqualTo(new Shape(2, 3, 1, 1));
  }

  @Test
  void textEncodersOfTransformers5HaveTheFormerNames() throws IOException {
    new SafetensorsFile()
        .with("embeddings.token_embedding.weight", 0, 1)
        .with("encoder.layers.0.mlp.fc1.bias", 0, 1)
        .with("final_layer_norm.bias", 0, 1)
        .with("text_projection.weight", 0, 1)
        .write(folder.resolve("a.safetensors"));

    assertThat(Weights.open(folder.resolve("a.safetensors")).names())
        .containsExactly(
            "text_model.embeddings.token_embedding.weight",
            "text_model.encoder.layers.0.mlp.fc1.bias",
            "text_model.final_layer_norm.bias",
            "text_projection.weight");
  }

  /** A safetensors file with 8 bytes of zeros as data. */
  private Weights open(String header) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + 8).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    return Weights.open(Files.write(folder.resolve("a.safetensors"), bytes.array()));
  }

  @Test
  void fingerprintFollowsSizeAndTime() throws IOException {
    Path original = ModelDirectory.open(TinyModels.torch()).weights("text_encoder").file();
    Path file = Files.copy(original, folder.resolve("model.safetensors"));
    String before = Weights.open(file).fingerprint();
    assertThat(Weights.open(file).fingerprint()).isEqualTo(before);

    Files.setLastModifiedTime(file, FileTime.from(1_700_000_000_123L, TimeUnit.MILLISECONDS));
    String touched = Weights.open(file).fingerprint();
    assertThat(touched).isNotEqualTo(before);

    Path other = Files.copy(file, folder.resolve("other.safetensors"));
    Files.setLastModifiedTime(other, Files.getLastModifiedTime(file));
    assertThat(Weights.open(other).fingerprint()).isNotEqualTo(touched);
  }

  private static Graph graph(String name, Map<String, Shape> parameters) {
    GraphBuilder builder = new GraphBuilder(name);
    parameters.forEach((parameter, shape) -> builder.parameter(parameter, shape.getShape()));
    builder.output("out", builder.input("in", DataType.FLOAT32, 1));
    return builder.build();
  }

  private static Map<String, Shape> shapes(Weights weights) {
    Map<String, Shape> shapes = new TreeMap<>();
    weights.names().forEach(name -> shapes.put(name, weights.get(name).shape()));
    return shapes;
  }

  /** All names but those of position_ids. */
  private static Set<String> namesOfFloats(Weights weights) {
    Set<String> names = new TreeSet<>(weights.names());
    names.removeIf(name -> !weights.get(name).dataType().isFloating());
    return names;
  }

  private static float[] values(ParameterData data) {
    FloatBuffer target = FloatBuffer.allocate((int) data.shape().size());
    data.read(0, target);
    return target.array();
  }

  private static int[] bits(ParameterData data) {
    float[] values = values(data);
    return IntStream.range(0, values.length).map(i -> Float.floatToRawIntBits(values[i])).toArray();
  }
}
