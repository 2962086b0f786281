package io.shardlight.engines.pjrt;

import ai.djl.ndarray.types.DataType;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.diffusion.StableDiffusion;
import io.shardlight.diffusion.TextToImage;
import io.shardlight.diffusion.TextToImageOptions;
import io.shardlight.diffusion.graph.Graph;
import io.shardlight.diffusion.graph.Node;
import io.shardlight.diffusion.graph.ParameterSource;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.Numerics;
import io.shardlight.diffusion.model.UNet2DCondition;
import io.shardlight.diffusion.random.PrngKey;
import io.shardlight.diffusion.weights.ModelDirectory;
import io.shardlight.engines.pjrt.client.DeviceMemoryStats;
import io.shardlight.engines.pjrt.client.HostBufferSemantics;
import io.shardlight.engines.pjrt.client.PjrtBuffer;
import io.shardlight.engines.pjrt.client.PjrtClient;
import io.shardlight.engines.pjrt.client.PjrtDevice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Whole generations of a checkpoint on all devices of this machine, in a fresh process: how fast
 * weights get there, beside what the link can do; how long a program takes to be there, compiled or
 * from the cache; images a second for several batches, and the devices' memory. Prints one JSON
 * object.
 */
public final class WholeGeneration {
  private static final String USAGE =
      "usage: WholeGeneration CHECKPOINT float32|bfloat16 STEPS BATCH[,BATCH ...] CACHE [PLUGIN]";
  private static final int REPEATS = 3;

  /** The sequence length of CLIP's text encoder. */
  private static final int TOKENS = 77;

  private static final int LINK_BYTES = 256 << 20;

  private final ObjectNode report = new ObjectMapper().createObjectNode();
  private final PjrtEngine engine;
  private final StableDiffusion model;
  private final DataType dataType;

  private WholeGeneration(PjrtEngine engine, StableDiffusion model, DataType dataType) {
    this.engine = engine;
    this.model = model;
    this.dataType = dataType;
  }

  /**
   * BATCH is images a device and call, in ascending order; CACHE a folder for compiled programs.
   * With 0 STEPS weights are brought to the devices, and nothing is drawn.
   */
  public static void main(String[] args) throws Exception {
    if (args.length < 5 || args.length > 6) {
      System.err.println(USAGE);
      System.exit(2);
    }
    Optional<Path> plugin = args.length == 6 ? Optional.of(Path.of(args[5])) : Optional.empty();
    int[] batches = Arrays.stream(args[3].split(",", -1)).mapToInt(Integer::parseInt).toArray();
    System.out.println(
        run(Path.of(args[0]), args[1], Integer.parseInt(args[2]), batches, Path.of(args[4]), plugin)
            .toPrettyString());
    System.exit(0);
  }

  static ObjectNode run(
      Path checkpoint, String dtype, int steps, int[] batches, Path cache, Optional<Path> plugin)
      throws IOException, InterruptedException {
    PjrtEngine engine = PjrtEngine.start(plugin);
    StableDiffusion model = StableDiffusion.open(ModelDirectory.open(checkpoint), Optional.empty());
    DataType dataType = dtype.equals("bfloat16") ? DataType.BFLOAT16 : DataType.FLOAT32;
    WholeGeneration benchmark = new WholeGeneration(engine, model, dataType);
    benchmark.describe(steps);
    benchmark.measureLink();
    benchmark.measureTransfer();
    if (steps > 0) {
      benchmark.draw(steps, batches, cache, plugin);
    }
    return benchmark.report;
  }

  private void describe(int steps) {
    PjrtClient client = engine.client();
    report.put("plugin", engine.getVersion());
    report.put("device", client.devices().get(0).kind()).put("devices", client.devices().size());
    report.put("fusedAttention", AttentionForm.of(client).longestFusedHead() > 0);
    report.put("dtype", dataType.toString()).put("steps", steps);
    report.put("width", model.defaultWidthPixels()).put("height", model.defaultHeightPixels());
  }

  /** One large buffer, from memory that has been touched, to the first device. */
  private void measureLink() {
    PjrtClient client = engine.client();
    PjrtDevice device = client.devices().get(0);
    ByteBuffer host = ByteBuffer.allocateDirect(LINK_BYTES).order(ByteOrder.nativeOrder());
    for (int i = 0; i < LINK_BYTES; i += 4096) {
      host.put(i, (byte) 1);
    }
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
      long start = System.nanoTime();
      try (PjrtBuffer buffer =
          client.upload(
              host,
              TensorType.of(ElementType.U8, LINK_BYTES).pjrtShape(),
              device,
              HostBufferSemantics.IMMUTABLE_UNTIL_TRANSFER_COMPLETES)) {
        buffer.awaitTransfer();
        best = Math.max(best, LINK_BYTES / (double) (System.nanoTime() - start));
      }
    }
    report.put("linkGigabytesPerSecond", best);
  }

  /** All weights from the checkpoint to the first device, as the first program brings them. */
  private void measureTransfer() throws IOException {
    PjrtClient client = engine.client();
    Map<String, WeightTransfer.Weight> weights = new LinkedHashMap<>();
    ModelDirectory checkpoint = model.directory();
    int side = checkpoint.config("unet").get("sample_size").asInt();
    ElementType precision = ElementType.of(dataType);
    add(
        weights,
        checkpoint.weights("text_encoder"),
        ClipTextModel.read(checkpoint.config("text_encoder")).graph(1),
        ElementType.F32);
    add(
        weights,
        checkpoint.weights("unet"),
        UNet2DCondition.read(checkpoint.config("unet"), Numerics.TORCH)
            .graph(1, side, side, TOKENS),
        precision);
    add(
        weights,
        checkpoint.weights("vae"),
        AutoencoderKl.read(checkpoint.config("vae")).decoderGraph(1, side, side),
        precision);
    long bytes = weights.values().stream().mapToLong(weight -> weight.type().bytes()).sum();
    ArrayNode seconds = report.putArray("transferSeconds");
    double best = Double.MAX_VALUE;
    for (int i = 0; i < REPEATS; i++) {
      long start = System.nanoTime();
      Map<String, List<PjrtBuffer>> arrived =
          WeightTransfer.run(client, client.devices().subList(0, 1), weights);
      double once = (System.nanoTime() - start) / 1e9;
      seconds.add(once);
      best = Math.min(best, once);
      arrived.values().forEach(copies -> copies.forEach(PjrtBuffer::close));
    }
    report.put("weightGigabytes", bytes / 1e9);
    report.put("transferGigabytesPerSecond", bytes / 1e9 / best);
  }

  private static void add(
      Map<String, WeightTransfer.Weight> weights,
      ParameterSource source,
      Graph graph,
      ElementType precision) {
    for (Node parameter : graph.parameters().values()) {
      weights.put(
          graph.name() + "/" + parameter.label(),
          new WeightTransfer.Weight(
              source.get(parameter.label()), NetworkFunction.storedType(parameter, precision)));
    }
  }

  private void draw(int steps, int[] batches, Path cache, Optional<Path> plugin)
      throws InterruptedException {
    TextToImageOptions options =
        TextToImageOptions.DEFAULTS
            .withEngine(PjrtEngine.NAME)
            .withDataType(dataType)
            .withCacheDirectory(cache)
            .withBatchPerDevice(Arrays.stream(batches).max().orElseThrow());
    if (plugin.isPresent()) {
      options = options.withPlugin(plugin.get());
    }
    ArrayNode all = report.putArray("batches");
    try (TextToImage textToImage = TextToImage.replicate(model, options)) {
      for (int batch : batches) {
        ObjectNode figures = all.addObject();
        draw(textToImage, steps, batch, figures);
        // At once, as the next batch may not fit.
        System.err.println(figures);
      }
    }
  }

  private void draw(TextToImage textToImage, int steps, int batch, ObjectNode figures)
      throws InterruptedException {
    int slots = batch * textToImage.devices();
    List<ImageRequest> requests = new ArrayList<>();
    for (int i = 0; i < slots; i++) {
      requests.add(
          new ImageRequest(
              "a photograph of an astronaut riding a horse, number " + i,
              "",
              PrngKey.ofSeed(i),
              model.defaultWidthPixels(),
              model.defaultHeightPixels(),
              model.schedulerConfig().kind(),
              steps,
              7.5f));
    }
    figures.put("batchPerDevice", batch);
    long start = System.nanoTime();
    List<GeneratedImage> first = textToImage.generate(requests, slots);
    double firstSeconds = (System.nanoTime() - start) / 1e9;
    figures.put("firstCallSeconds", firstSeconds);
    figures.put(
        "sinceJvmStartSeconds",
        (System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime()) / 1e3);
    ArrayNode seconds = figures.putArray("callSeconds");
    double best = Double.MAX_VALUE;
    for (int i = 0; i < REPEATS; i++) {
      start = System.nanoTime();
      List<GeneratedImage> again = textToImage.generate(requests, slots);
      double call = (System.nanoTime() - start) / 1e9;
      seconds.add(call);
      best = Math.min(best, call);
      if (!Arrays.equals(again.get(0).rgb(), first.get(0).rgb())) {
        throw new IllegalStateException("the same request drew another image");
      }
    }
    figures.put("imagesPerSecond", slots / best);
    // Weights, compiling or the cache, and the program's first start.
    figures.put("loadSeconds", firstSeconds - best);
    memory(figures);
  }

  private void memory(ObjectNode figures) {
    Map<String, Long> peaks = new LinkedHashMap<>();
    for (PjrtDevice device : engine.client().devices()) {
      device
          .memoryStats()
          .map(DeviceMemoryStats::peakBytesInUse)
          .filter(peak -> peak.isPresent())
          .ifPresent(peak -> peaks.put(device.toString(), peak.getAsLong()));
    }
    peaks.values().stream()
        .max(Long::compare)
        .ifPresent(peak -> figures.put("peakDeviceGigabytes", peak / 1e9));
  }
}
