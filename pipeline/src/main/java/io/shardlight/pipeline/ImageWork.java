package io.shardlight.pipeline;

/** What an image of Stable Diffusion 1.x takes, from the networks' floating-point operations. */
final class ImageWork {
  /** 512×512 pixels, 50 guided steps, and the decoding. */
  static final double REFERENCE_TERAFLOP = teraflop(512, 512, 50, true);

  private ImageWork() {}

  /**
   * Counted at 512×512, where a guided step takes 1.6 and the decoding 2.5; other sizes by their
   * pixels, which neglects that attention grows faster.
   */
  static double teraflop(int widthPixels, int heightPixels, int steps, boolean guided) {
    double pixels = (double) widthPixels * heightPixels / (512 * 512);
    return pixels * (1.6 * steps * (guided ? 1 : 0.5) + 2.5);
  }

  /** How many images of 512×512 pixels and 50 guided steps one image takes as long as. */
  static double references(int widthPixels, int heightPixels, int steps, boolean guided) {
    return teraflop(widthPixels, heightPixels, steps, guided) / REFERENCE_TERAFLOP;
  }
}
