package io.shardlight.transforms;

import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Devices that need a while for each batch, so that their job can be killed meanwhile. */
record TakesTime(GeneratorFactory devices) implements GeneratorFactory {
  @Override
  public ImageGenerator create() throws java.io.IOException {
    ImageGenerator quick = devices.create();
    return new GeneratorAround(quick) {
      @Override
      public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
          throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(300);
        return quick.generate(requests, slots);
      }
    };
  }
}
