package io.shardlight.diffusion;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import io.shardlight.diffusion.ShardedBatch.Slot;
import io.shardlight.diffusion.graph.Lowering;
import io.shardlight.diffusion.graph.LoweringOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * GPUs of an engine that runs single networks: each has its own programs with all weights, and a
 * thread that draws its slice of a batch image by image, with the denoising loop on the host. So an
 * image does not depend on its batch; an engine that runs whole generations makes more of a GPU.
 */
final class GpuSessions implements BatchRunner {
  private final List<Session> sessions = new ArrayList<>();

  /** One GPU. */
  private record Session(Programs programs, DenoisingLoop loop, ExecutorService thread) {}

  /**
   * @param devices of the engine's, each once
   */
  GpuSessions(
      StableDiffusion model,
      Lowering lowering,
      List<Device> devices,
      DataType dataType,
      TextToImageOptions options) {
    Path cache = options.cacheDirectory().orElse(model.directory().path().resolve(".shardlight"));
    for (Device device : devices) {
      LoweringOptions program = new LoweringOptions(device, 1, options.fusions(), cache, dataType);
      Programs programs = new Programs(model, lowering, latentPixels -> program);
      sessions.add(
          new Session(
              programs,
              new DenoisingLoop(model, programs, new PromptEncoder(model.tokenizer(), programs)),
              Executors.newSingleThreadExecutor(
                  task -> {
                    Thread thread = new Thread(task, "shardlight-" + device);
                    thread.setDaemon(true);
                    return thread;
                  })));
    }
  }

  @Override
  public int devices() {
    return sessions.size();
  }

  @Override
  public List<GeneratedImage> run(ShardedBatch batch) throws InterruptedException {
    AtomicBoolean stopped = new AtomicBoolean();
    List<Future<GeneratedImage>> drawn = new ArrayList<>();
    for (int i = 0; i < batch.slices().size(); i++) {
      Session session = sessions.get(i);
      for (Slot slot : batch.slices().get(i)) {
        if (slot.live()) {
          drawn.add(session.thread().submit(() -> session.loop().draw(slot.request(), stopped)));
        }
      }
    }
    return Lanes.await(drawn, stopped);
  }

  @Override
  public void close() {
    for (Session session : sessions) {
      Lanes.terminate(session.thread());
      session.programs().close();
    }
  }
}
