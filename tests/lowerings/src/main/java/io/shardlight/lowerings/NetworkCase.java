package io.shardlight.lowerings;

import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.ClipVisionModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import io.shardlight.fixtures.NpyArray;
import io.shardlight.fixtures.NpzArchive;
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A tiny network from either kind of checkpoint, with inputs and with what diffusers and
 * transformers computed of them.
 *
 * @param inputs by name of the graph's inputs, row-major
 * @param golden names of the golden arrays, one for each output of the graph; {@code
 *     archive.npz:array} for one of an archive
 * @param tolerance of float32: the largest absolute difference
 */
public record NetworkCase(
    String name,
    Graph graph,
    ParameterSource weights,
    Map<String, double[]> inputs,
    List<String> golden,
    double tolerance) {
  private static final double TEXT = 1e-5;
  private static final double UNET = 2e-5;
  private static final double VAE = 2e-5;
  private static final double SAFETY = 1e-5;
  private static final String FAMILIES = "families/networks.npz";

  /** Where the weights come from, and whose arithmetic the golden data are. */
  private enum Checkpoint {
    TORCH(Numerics.TORCH, "tiny/"),
    FLAX(Numerics.FLAX, "flax/");

    private final Numerics numerics;
    private final String golden;

    Checkpoint(Numerics numerics, String golden) {
      this.numerics = numerics;
      this.golden = golden;
    }

    /** Those that there are golden data of. */
    int[] timesteps() {
      return this == TORCH ? new int[] {981, 961, 500, 21, 1, 0} : new int[] {981, 500, 1};
    }
  }

  /** All networks of both checkpoints. */
  public static List<NetworkCase> all() throws IOException {
    List<NetworkCase> cases = new ArrayList<>();
    for (Checkpoint checkpoint : Checkpoint.values()) {
      ModelDirectory model =
          ModelDirectory.open(
              checkpoint == Checkpoint.TORCH ? TinyModels.torch() : TinyModels.flax());
      cases.add(textEncoder(checkpoint, model));
      cases.addAll(unet(checkpoint, model));
      cases.addAll(vae(checkpoint, model));
      cases.add(safetyChecker(checkpoint, model));
    }
    cases.addAll(stableDiffusion2());
    cases.addAll(loras());
    return cases;
  }

  private static NetworkCase safetyChecker(Checkpoint checkpoint, ModelDirectory model)
      throws IOException {
    return new NetworkCase(
        checkpoint + " safety checker",
        ClipVisionModel.read(model.config("safety_checker")).graph(8),
        model.weights("safety_checker"),
        Map.of("clip_input", Golden.array("tiny/safety_pixel_values.npy").doubles()),
        List.of("tiny/safety_image_embeds.npy"),
        SAFETY);
  }

  private static List<NetworkCase> stableDiffusion2() throws IOException {
    ModelDirectory model = ModelDirectory.open(TinyModels.stableDiffusion2());
    List<NetworkCase> cases = new ArrayList<>();
    cases.add(family("sd2", model, model.weights("text_encoder"), 4));
    for (int timestep : new int[] {981, 500, 1}) {
      cases.add(family("sd2", model, model.weights("unet"), 12, timestep));
    }
    cases.add(
        new NetworkCase(
            "sd2 VAE decoder",
            AutoencoderKl.read(model.config("vae")).decoderGraph(1, 6, 6),
            model.weights("vae"),
            Map.of("latents", Golden.archive(FAMILIES).array("sd2/vae_in").doubles()),
            List.of(FAMILIES + ":sd2/vae_decode_out"),
            VAE));
    return cases;
  }

  /** Text encoder and UNet with LoRAs that diffusers' own loader fused. */
  private static List<NetworkCase> loras() throws IOException {
    List<NetworkCase> cases = new ArrayList<>();
    for (LoraCase lora : LoraCase.all()) {
      if (lora.loras().size() > 1) {
        continue; // whole images tell of several
      }
      ModelDirectory model = ModelDirectory.open(lora.model());
      Map<String, ParameterSource> merged = lora.merged();
      String name = "lora_" + lora.name();
      int size = model.config("unet").get("sample_size").intValue();
      cases.add(family(name, model, Objects.requireNonNull(merged.get("text_encoder")), 2));
      cases.add(family(name, model, Objects.requireNonNull(merged.get("unet")), size, 500));
    }
    return cases;
  }

  private static NetworkCase family(
      String name, ModelDirectory model, ParameterSource weights, int prompts) {
    NpyArray ids = Golden.archive(FAMILIES).array(name + "/text_ids");
    return new NetworkCase(
        name + " text encoder",
        ClipTextModel.read(model.config("text_encoder")).graph(prompts),
        weights,
        Map.of("input_ids", Arrays.stream(ids.longs()).asDoubleStream().toArray()),
        List.of(FAMILIES + ":" + name + "/text_last_hidden"),
        TEXT);
  }

  private static NetworkCase family(
      String name, ModelDirectory model, ParameterSource weights, int size, int timestep) {
    NpzArchive golden = Golden.archive(FAMILIES);
    String context = golden.has(name + "/unet_in_context") ? "unet_in_context" : "text_last_hidden";
    return new NetworkCase(
        name + " UNet at " + timestep,
        UNet2DCondition.read(model.config("unet"), Numerics.TORCH).graph(2, size, size, 77),
        weights,
        Map.of(
            "sample",
            golden.array(name + "/unet_in_sample").doubles(),
            "timestep",
            new double[] {timestep, timestep},
            "encoder_hidden_states",
            golden.array(name + "/" + context).doubles()),
        List.of(FAMILIES + ":" + name + "/unet_out_t" + timestep),
        UNET);
  }

  private static NetworkCase textEncoder(Checkpoint checkpoint, ModelDirectory model)
      throws IOException {
    return new NetworkCase(
        checkpoint + " text encoder",
        ClipTextModel.read(model.config("text_encoder")).graph(10),
        model.weights("text_encoder"),
        Map.of(
            "input_ids",
            Arrays.stream(Golden.array("tiny/text_ids.npy").longs()).asDoubleStream().toArray()),
        List.of(checkpoint.golden + "text_last_hidden.npy"),
        TEXT);
  }

  private static List<NetworkCase> unet(Checkpoint checkpoint, ModelDirectory model)
      throws IOException {
    UNet2DCondition unet = UNet2DCondition.read(model.config("unet"), checkpoint.numerics);
    double[] context = Golden.array("tiny/unet_in_context.npy").doubles();
    List<NetworkCase> cases = new ArrayList<>();
    Graph square = unet.graph(2, 16, 16, 77);
    for (int timestep : checkpoint.timesteps()) {
      cases.add(
          new NetworkCase(
              checkpoint + " UNet at " + timestep,
              square,
              model.weights("unet"),
              Map.of(
                  "sample",
                  Golden.array("tiny/unet_in_sample.npy").doubles(),
                  "timestep",
                  new double[] {timestep, timestep},
                  "encoder_hidden_states",
                  context),
              List.of(checkpoint.golden + "unet_out_t" + timestep + ".npy"),
              UNET));
    }
    if (checkpoint == Checkpoint.TORCH) {
      NpyArray sample = Golden.array("tiny/unet_in_sample_rect.npy");
      cases.add(
          new NetworkCase(
              checkpoint + " UNet of a rectangle",
              unet.graph(2, sample.shape()[2], sample.shape()[3], 77),
              model.weights("unet"),
              Map.of(
                  "sample",
                  sample.doubles(),
                  "timestep",
                  new double[] {500, 500},
                  "encoder_hidden_states",
                  context),
              List.of("tiny/unet_out_rect_t500.npy"),
              UNET));
    }
    return cases;
  }

  private static List<NetworkCase> vae(Checkpoint checkpoint, ModelDirectory model)
      throws IOException {
    AutoencoderKl vae = AutoencoderKl.read(model.config("vae"));
    NpyArray image = Golden.array("tiny/vae_encode_in.npy");
    return List.of(
        new NetworkCase(
            checkpoint + " VAE decoder",
            vae.decoderGraph(2, 16, 16),
            model.weights("vae"),
            Map.of("latents", Golden.array("tiny/vae_in.npy").doubles()),
            List.of(checkpoint.golden + "vae_decode_out.npy"),
            VAE),
        new NetworkCase(
            checkpoint + " VAE encoder",
            vae.encoderGraph(image.shape()[0], image.shape()[2], image.shape()[3]),
            model.weights("vae"),
            Map.of("image", image.doubles()),
            List.of("tiny/vae_encode_mean.npy", "tiny/vae_encode_logvar.npy"),
            VAE));
  }

  /** What output {@code index} should be. */
  public double[] expected(int index) throws IOException {
    String place = golden.get(index);
    int colon = place.indexOf(':');
    return colon < 0
        ? Golden.array(place).doubles()
        : Golden.archive(place.substring(0, colon)).array(place.substring(colon + 1)).doubles();
  }

  @Override
  public String toString() {
    return name;
  }
}
