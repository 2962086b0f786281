package io.shardlight.transforms;

import ai.djl.engine.EngineException;
import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Devices that are lost after so many batches. */
record BreaksAfter(FakeDevices devices, int batches) implements GeneratorFactory {
  @Override
  public ImageGenerator create() {
    ImageGenerator whole = devices.create();
    AtomicInteger left = new AtomicInteger(batches);
    return new GeneratorAround(whole) {
      @Override
      public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
          throws InterruptedException {
        if (left.getAndDecrement() <= 0) {
          throw new EngineException("device lost");
        }
        return whole.generate(requests, slots);
      }
    };
  }
}
