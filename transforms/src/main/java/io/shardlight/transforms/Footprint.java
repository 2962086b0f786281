package io.shardlight.transforms;

import io.shardlight.data.Sampling;
import io.shardlight.diffusion.ImageRequest;

/**
 * What decides how much of a device's memory one image takes: with guidance the UNet sees it twice.
 */
record Footprint(int widthPixels, int heightPixels, boolean guided) {
  static Footprint of(ImageRequest request) {
    return new Footprint(
        request.widthPixels(), request.heightPixels(), request.guidanceScale() > 1);
  }

  static Footprint of(Sampling sampling) {
    return new Footprint(sampling.widthPixels(), sampling.heightPixels(), sampling.guided());
  }

  @Override
  public String toString() {
    return widthPixels + "x" + heightPixels + (guided ? " with guidance" : " without guidance");
  }
}
