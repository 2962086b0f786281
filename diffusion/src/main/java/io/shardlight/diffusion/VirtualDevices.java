package io.shardlight.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.ShardedBatch.Slot;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import io.shardlight.diffusion.model.AutoencoderKl;
import io.shardlight.diffusion.model.ClipTextModel;
import io.shardlight.diffusion.model.UNet2DCondition;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Any number of devices that are all one CPU, over one set of weights. Every image runs its own
 * program, which makes both passes of guidance, on a number of threads that depends on the image's
 * size and the machine alone. So the same request gives the same bytes for any number of devices,
 * any batch per device and any place in a batch. Small images run side by side, a thread each;
 * large ones one after the other on all threads.
 *
 * <p>Of a large model one network is in memory at a time: a batch is encoded, then denoised, then
 * decoded, then checked. A network is ready again within a second, and a step of one takes several.
 */
final class VirtualDevices implements BatchRunner {
  /** Up to this many latent pixels (256x256 images) one thread draws an image. */
  private static final int SMALL_LATENTS = 32 * 32;

  /**
   * From so many parameters of the UNet on, networks take turns in memory; v1-4 has 860 million.
   */
  private static final long LARGE_PARAMETERS = 200_000_000;

  private final StableDiffusion model;
  private final boolean takesTurns;
  private final int cores;
  private final Programs programs;
  private final PromptEncoder promptEncoder;
  private final DenoisingLoop loop;
  private final ExecutorService smallLanes;
  private final ExecutorService largeLane;

  VirtualDevices(StableDiffusion model, Lowering lowering, TextToImageOptions options) {
    this(model, lowering, options, parameters(model) >= LARGE_PARAMETERS);
  }

  /**
   * @param takesTurns whether one network is in memory at a time
   */
  VirtualDevices(
      StableDiffusion model, Lowering lowering, TextToImageOptions options, boolean takesTurns) {
    this.model = model;
    this.takesTurns = takesTurns;
    this.cores = Runtime.getRuntime().availableProcessors();
    this.programs =
        new Programs(
            model,
            lowering,
            latentPixels ->
                new LoweringOptions(
                    Device.cpu(),
                    threads(latentPixels),
                    options.fusions(),
                    options
                        .cacheDirectory()
                        .orElse(model.directory().path().resolve(".shardlight")),
                    options.dataType().orElse(DataType.FLOAT32)));
    this.promptEncoder = new PromptEncoder(model.tokenizer(), programs);
    this.loop = new DenoisingLoop(model, programs, promptEncoder);
    this.smallLanes = executor("shardlight-lane", cores);
    this.largeLane = executor("shardlight-wide-lane", 1);
  }

  /** As many as there can be images of the model's own size side by side. */
  @Override
  public int devices() {
    return lanes(model.sampleSize() * model.sampleSize());
  }

  @Override
  public List<GeneratedImage> run(ShardedBatch batch) throws InterruptedException {
    ImageRequest first = batch.slices().get(0).get(0).request();
    int latentHeight = first.heightPixels() / model.vae().config().downsamplingFactor();
    int latentWidth = first.widthPixels() / model.vae().config().downsamplingFactor();
    ExecutorService lanes = lanes(latentHeight * latentWidth) > 1 ? smallLanes : largeLane;
    // A virtual device need not draw what is masked: unlike a real one it gains nothing by it.
    List<ImageRequest> requests =
        batch.slices().stream()
            .flatMap(List::stream)
            .filter(Slot::live)
            .map(Slot::request)
            .toList();
    AtomicBoolean stopped = new AtomicBoolean();
    if (takesTurns) {
      return inTurns(lanes, requests, stopped);
    }
    programs.prepare(model.guides(first.guidanceScale()), latentHeight, latentWidth);
    return each(lanes, requests, request -> loop.draw(request, stopped), stopped);
  }

  private synchronized List<GeneratedImage> inTurns(
      ExecutorService lanes, List<ImageRequest> requests, AtomicBoolean stopped)
      throws InterruptedException {
    // Each may have a negative prompt of its own.
    promptEncoder.keep(2 * requests.size());
    try {
      each(
          lanes,
          requests,
          request -> {
            loop.encode(request);
            return true;
          },
          stopped);
      programs.release(ClipTextModel.COMPONENT);
      List<float[]> latents =
          each(lanes, requests, request -> loop.denoise(request, stopped), stopped);
      programs.release(UNet2DCondition.COMPONENT);
      List<Integer> indices = IntStream.range(0, requests.size()).boxed().toList();
      List<GeneratedImage> images =
          each(lanes, indices, i -> loop.finish(requests.get(i), latents.get(i)), stopped);
      programs.release(AutoencoderKl.COMPONENT);
      return each(lanes, images, loop::check, stopped);
    } finally {
      programs.releaseAll();
    }
  }

  /** Does something for each on the lanes; results in their order. */
  private static <T, R> List<R> each(
      ExecutorService lanes, List<T> inputs, Function<T, R> work, AtomicBoolean stopped)
      throws InterruptedException {
    return Lanes.await(
        inputs.stream().map(input -> lanes.submit(() -> work.apply(input))).toList(), stopped);
  }

  private static long parameters(StableDiffusion model) {
    int side = model.sampleSize();
    return model
        .unet()
        .graph(1, side, side, model.tokenizer().maxLength())
        .parameters()
        .values()
        .stream()
        .mapToLong(parameter -> parameter.shape().size())
        .sum();
  }

  /** Threads of one program: one for small images, all cores for large ones. */
  private int threads(int latentPixels) {
    return latentPixels <= SMALL_LATENTS ? 1 : cores;
  }

  /** How many programs run side by side. */
  private int lanes(int latentPixels) {
    return cores / threads(latentPixels);
  }

  Programs programs() {
    return programs;
  }

  PromptEncoder promptEncoder() {
    return promptEncoder;
  }

  DenoisingLoop loop() {
    return loop;
  }

  private static ExecutorService executor(String name, int threads) {
    return Executors.newFixedThreadPool(
        threads,
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  @Override
  public void close() {
    Lanes.terminate(smallLanes);
    Lanes.terminate(largeLane);
    programs.close();
  }
}
