package io.shardlight.benchmarks;

import ai.djl.ModelException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.fixtures.Golden;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Loads text encoder, UNet and decoder of the full-size checkpoint in a fresh process, runs three
 * UNet steps, an encoding and a decoding, and prints one JSON object: time to ready, times and CPU
 * seconds of the runs, memory, and how far the outputs are from what diffusers computes with the
 * checkpoint of {@link MakeCheckpoint}.
 */
public final class WholeProcess {
  private static final String USAGE = "usage: WholeProcess CHECKPOINT plain|fused THREADS CACHE\n";
  private static final double TOLERANCE = 1e-4;

  private final ObjectNode report = new ObjectMapper().createObjectNode();
  private boolean close = true;

  private WholeProcess() {}

  /** Exits with 0, with 1 if an output is further from the golden one than 1e-4 of its largest. */
  public static void main(String[] args) throws Exception {
    if (args.length != 4 || !(args[1].equals("plain") || args[1].equals("fused"))) {
      System.err.print(USAGE);
      System.exit(2);
    }
    WholeProcess process = new WholeProcess();
    process.run(
        Path.of(args[0]), args[1].equals("fused"), Integer.parseInt(args[2]), Path.of(args[3]));
    System.out.println(process.report.toPrettyString());
    System.exit(process.close ? 0 : 1);
  }

  private void run(Path folder, boolean fused, int threads, Path cache) throws Exception {
    ModelDirectory checkpoint = ModelDirectory.open(folder);
    // Side by side, as jobs load them.
    Map<Network.Component, Network> networks = new ConcurrentHashMap<>();
    Arrays.stream(Network.Component.values())
        .parallel()
        .forEach(c -> networks.put(c, load(checkpoint, c, fused, threads, cache)));
    try (Network text = networks.get(Network.Component.TEXT_ENCODER);
        Network unet = networks.get(Network.Component.UNET);
        Network vae = networks.get(Network.Component.VAE)) {
      long started = ManagementFactory.getRuntimeMXBean().getStartTime();
      report.put("lowering", fused ? "fused" : "plain").put("threads", threads);
      report.put("readySeconds", (System.currentTimeMillis() - started) / 1000.0);
      memory("ready");

      float[] hidden =
          timed("text", () -> text.run(Golden.array("full-size/text_ids.npy").longs()));
      compare("text", hidden, "text_last_hidden");
      float[] latents = Golden.array("full-size/latents.npy").floats();
      for (float timestep : new float[] {981, 501, 981}) {
        float[] noise = timed("unet", () -> unet.run(latents, new float[] {timestep}, hidden));
        compare("unet" + (int) timestep, noise, "unet_out_t" + (int) timestep);
      }
      float[] scaled = latents.clone();
      for (int i = 0; i < scaled.length; i++) {
        scaled[i] /= 0.18215f; // scaling_factor of v1-4's vae/config.json
      }
      float[] image = timed("vae", () -> vae.run(scaled));
      timed("vae", () -> vae.run(scaled));
      compare("vae", everyFourth(image, 512), "vae_decode_every4th");
      memory("end");
    }
  }

  private static Network load(
      ModelDirectory checkpoint,
      Network.Component component,
      boolean fused,
      int threads,
      Path cache) {
    try {
      return Network.load(checkpoint, component, fused, threads, cache);
    } catch (IOException | ModelException e) {
      throw new IllegalStateException("cannot load " + component, e);
    }
  }

  /** A run to be timed. */
  private interface Run {
    float[] run() throws Exception;
  }

  private float[] timed(String name, Run run) throws Exception {
    ProcessFigures before = ProcessFigures.now();
    long start = System.nanoTime();
    float[] result = run.run();
    list(name + "Seconds").add((System.nanoTime() - start) / 1e9);
    ProcessFigures after = ProcessFigures.now();
    list(name + "UserSeconds").add(after.userSeconds() - before.userSeconds());
    list(name + "SystemSeconds").add(after.systemSeconds() - before.systemSeconds());
    return result;
  }

  private ArrayNode list(String name) {
    return report.withArray(name);
  }

  private void memory(String when) throws Exception {
    ProcessFigures figures = ProcessFigures.now();
    report
        .putObject("megabytesAt" + when)
        .put("private", figures.privateBytes() / 1_000_000)
        .put("mapped", figures.mappedBytes() / 1_000_000)
        .put("peak", figures.peakBytes() / 1_000_000);
  }

  /** Notes the largest difference as a part of the largest golden value. */
  private void compare(String name, float[] actual, String golden) {
    float[] expected = Golden.array("full-size/" + golden + ".npy").floats();
    double difference = actual.length == expected.length ? 0 : Double.NaN;
    double largest = 0;
    for (int i = 0; i < expected.length && !Double.isNaN(difference); i++) {
      difference = Math.max(difference, Math.abs((double) actual[i] - expected[i]));
      largest = Math.max(largest, Math.abs(expected[i]));
    }
    report.withObject("/difference").put(name, difference / largest);
    close &= difference / largest <= TOLERANCE;
  }

  /** Every fourth row and column of a {@code [3, side, side]} image. */
  private static float[] everyFourth(float[] image, int side) {
    int small = side / 4;
    float[] result = new float[3 * small * small];
    for (int i = 0; i < result.length; i++) {
      int channel = i / small / small;
      result[i] = image[(channel * side + i / small % small * 4) * side + i % small * 4];
    }
    return result;
  }
}
