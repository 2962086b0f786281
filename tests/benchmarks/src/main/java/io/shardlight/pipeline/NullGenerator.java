package io.shardlight.pipeline;

import io.shardlight.diffusion.GeneratedImage;
import io.shardlight.diffusion.ImageGenerator;
import io.shardlight.diffusion.ImageRequest;
import io.shardlight.transforms.GeneratorFactory;
import java.util.Collections;
import java.util.List;

/**
 * Devices that compute nothing: every picture is the same black square, whatever size was asked
 * for.
 *
 * @param slots images of one call
 * @param batchMillis how long a call takes nevertheless, asleep
 */
record NullGenerator(int slots, long batchMillis) implements GeneratorFactory {
  static final int SIDE_PIXELS = 8;

  @Override
  public ImageGenerator create() {
    return new Devices(
        slots,
        batchMillis,
        new GeneratedImage(
            SIDE_PIXELS, SIDE_PIXELS, new byte[3 * SIDE_PIXELS * SIDE_PIXELS], false));
  }

  private record Devices(int slots, long batchMillis, GeneratedImage image)
      implements ImageGenerator {
    @Override
    public List<GeneratedImage> generate(List<ImageRequest> requests, int slots)
        throws InterruptedException {
      if (batchMillis > 0) {
        Thread.sleep(batchMillis);
      }
      return Collections.nCopies(requests.size(), image);
    }

    @Override
    public void close() {}
  }
}
