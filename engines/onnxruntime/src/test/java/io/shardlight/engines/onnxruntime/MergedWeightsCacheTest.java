package io.shardlight.engines.onnxruntime;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterData;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.Lora;
import io.shardlight.diffusion.weights.LoraMerge;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.diffusion.weights.Weights;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.TinyModels;
import io.shardlight.lowerings.Difference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One cache for a checkpoint with LoRAs of several scales, and without any. */
class MergedWeightsCacheTest {
  private static final Path LORA =
      Golden.folderOf("families/index.json").resolve("kohya.safetensors");

  private static final Map<String, double[]> INPUTS =
      Map.of(
          "sample", Golden.array("tiny/unet_in_sample.npy").doubles(),
          "timestep", new double[] {500, 500},
          "encoder_hidden_states", Golden.array("tiny/unet_in_context.npy").doubles());

  private final Path cache;
  private final Graph unet;

  MergedWeightsCacheTest(@TempDir Path cache) throws IOException {
    this.cache = cache;
    this.unet =
        UNet2DCondition.read(ModelDirectory.open(TinyModels.torch()).config("unet"), Numerics.TORCH)
            .graph(2, 16, 16, 77);
  }

  /** The checkpoint's UNet alone; the text encoder's layers of the LoRA go to one of their own. */
  private ParameterSource withLora(float scale) throws IOException {
    ModelDirectory model = ModelDirectory.open(TinyModels.torch());
    return requireNonNull(
        LoraMerge.merge(
                Map.of(
                    "unet", model.weights("unet"), "text_encoder", model.weights("text_encoder")),
                Map.of(
                    "unet",
                    unet,
                    "text_encoder",
                    ClipTextModel.read(model.config("text_encoder")).graph(1)),
                List.of(new Lora(LORA, scale)))
            .get("unet"));
  }

  private float[] run(ParameterSource weights, Path directory) throws Exception {
    try (Lowered lowered =
        Lowered.load(new OnnxLowering(), unet, weights, Lowered.options(true, directory))) {
      return lowered.run(INPUTS).get(0);
    }
  }

  private Set<String> files() throws IOException {
    try (Stream<Path> tree = Files.walk(cache)) {
      return tree.filter(Files::isRegularFile)
          .map(file -> cache.relativize(file).toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  @Test
  void keepsScalesApartAndTheCheckpointAsItIs(@TempDir Path other) throws Exception {
    Weights plain = ModelDirectory.open(TinyModels.torch()).weights("unet");
    float[] without = run(plain, cache);
    assertThat(files()).isEmpty();

    float[] strong = run(withLora(1), cache);
    int kept = files().size();
    float[] weak = run(withLora(0.5f), cache);

    assertThat(kept).isPositive();
    assertThat(files()).hasSize(2 * kept);
    assertThat(Difference.absolute(strong, doubles(without))).isGreaterThan(1e-2);
    assertThat(Difference.absolute(strong, doubles(weak))).isGreaterThan(1e-2);
    // Now what is kept is read.
    assertThat(run(withLora(0.5f), cache)).isEqualTo(weak);
    assertThat(run(withLora(1), cache)).isEqualTo(strong).isEqualTo(run(withLora(1), other));
    assertThat(run(plain, cache)).isEqualTo(without);
    assertThat(files()).hasSize(2 * kept);
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  @Test
  void weightsThatAreTheSameAreKeptOnce() throws Exception {
    Weights half =
        Weights.open(TinyModels.torch().resolve("unet/diffusion_pytorch_model.fp16.safetensors"));
    run(half, cache);
    Set<String> before = files();
    String changed = "mid_block.resnets.0.conv1.weight";

    run(new OneChanged(half, changed), cache);

    Set<String> added = files();
    added.removeAll(before);
    assertThat(before).anyMatch(file -> file.contains(changed)).hasSizeGreaterThan(10);
    assertThat(added).singleElement().asString().contains(changed);
  }

  /** As weights with a LoRA for a single layer present themselves. */
  private record OneChanged(ParameterSource base, String changed) implements ParameterSource {
    @Override
    public ParameterData get(String name) {
      return base.get(name);
    }

    @Override
    public String fingerprint() {
      return base.fingerprint() + "+lora";
    }

    @Override
    public String fingerprint(String name) {
      return name.equals(changed) ? fingerprint() : base.fingerprint(name);
    }
  }
}
