package io.shardlight.diffusion;

import ai.djl.Device;
import io.shardlight.diffusion.ShardedBatch.Slot;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Any number of devices that are all one CPU, over one set of weights. Every image runs its own
 * program, of batch 2 with guidance and 1 without, on a number of threads that depends on the
 * image's size and the machine alone. So the same request gives the same bytes for any number of
 * devices, any batch per device and any place in a batch. Small images run side by side, a thread
 * each; large ones one after the other on all threads.
 */
final class VirtualDevices implements BatchRunner {
  /** Up to this many latent pixels (256x256 images) one thread draws an image. */
  private static final int SMALL_LATENTS = 32 * 32;

  private final StableDiffusion model;
  private final int cores;
  private final Programs programs;
  private final PromptEncoder promptEncoder;
  private final DenoisingLoop loop;
  private final ExecutorService smallLanes;
  private final ExecutorService largeLane;

  VirtualDevices(StableDiffusion model, Lowering lowering, TextToImageOptions options) {
    this.model = model;
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
                        .orElse(model.directory().path().resolve(".shardlight"))));
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
    programs.prepare(model.guides(first.guidanceScale()), latentHeight, latentWidth);
    ExecutorService lanes = lanes(latentHeight * latentWidth) > 1 ? smallLanes : largeLane;

    AtomicBoolean stopped = new AtomicBoolean();
    List<Future<GeneratedImage>> drawn = new ArrayList<>();
    for (List<Slot> slice : batch.slices()) {
      for (Slot slot : slice) {
        // A virtual device need not draw what is masked: unlike a real one it gains nothing by it.
        if (slot.live()) {
          drawn.add(lanes.submit(() -> loop.draw(slot.request(), stopped)));
        }
      }
    }
    return await(drawn, stopped);
  }

  /**
   * Waits for all, also after a failure or an interrupt, so that no device still works when this
   * returns; what has not ended by then is told to stop.
   */
  private static List<GeneratedImage> await(
      List<Future<GeneratedImage>> drawn, AtomicBoolean stopped) throws InterruptedException {
    List<GeneratedImage> images = new ArrayList<>(drawn.size());
    Throwable failure = null;
    boolean interrupted = false;
    for (Future<GeneratedImage> future : drawn) {
      boolean ended = false;
      while (!ended) {
        try {
          images.add(future.get());
          ended = true;
        } catch (InterruptedException e) {
          interrupted = true;
          stopped.set(true);
        } catch (ExecutionException e) {
          ended = true;
          stopped.set(true);
          failure = failure == null ? e.getCause() : failure;
        }
      }
    }
    if (interrupted) {
      throw new InterruptedException("interrupted while drawing");
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure instanceof RuntimeException exception) {
      throw exception;
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
    return images;
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
    terminate(smallLanes);
    terminate(largeLane);
    programs.close();
  }

  /** A program closed under a running lane would take the process with it. */
  private static void terminate(ExecutorService lanes) {
    lanes.shutdown();
    boolean interrupted = false;
    boolean terminated = false;
    while (!terminated) {
      try {
        terminated = lanes.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
