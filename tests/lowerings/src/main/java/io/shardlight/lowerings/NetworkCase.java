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
import io.shardlight.fixtures.TinyModels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A tiny network from either kind of checkpoint, with inputs and with what diffusers and
 * transformers computed of them.
 *
 * @param inputs by name of the graph's inputs, row-major
 * @param golden names of the golden arrays, one for each output of the graph
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
    return Golden.array(golden.get(index)).doubles();
  }

  @Override
  public String toString() {
    return name;
  }
}
