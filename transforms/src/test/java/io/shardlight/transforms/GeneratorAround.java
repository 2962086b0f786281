package io.shardlight.transforms;

import io.shardlight.diffusion.ImageGenerator;

/** A generator that changes what another one does. */
abstract class GeneratorAround implements ImageGenerator {
  final ImageGenerator whole;

  GeneratorAround(ImageGenerator whole) {
    this.whole = whole;
  }

  @Override
  public int slots() {
    return whole.slots();
  }

  @Override
  public void close() {
    whole.close();
  }
}
