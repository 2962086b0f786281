package io.shardlight.diffusion.scheduler;

/**
 * The noise that training mixed in at each timestep: ᾱ<sub>t</sub> = Π (1 - β<sub>s</sub>), s ≤ t,
 * float32 as diffusers has it. Immutable.
 *
 * @see <a href="https://arxiv.org/abs/2006.11239">Ho et al. 2020, eq. (4)</a>
 */
final class NoiseSchedule {
  private final float[] betas;
  private final float[] alphasCumprod;
  private final float finalAlphaCumprod;

  NoiseSchedule(float[] betas, boolean setAlphaToOne) {
    this.betas = betas;
    this.alphasCumprod = new float[betas.length];
    double product = 1; // torch.cumprod keeps float32 products in double
    for (int i = 0; i < betas.length; i++) {
      product *= 1f - betas[i];
      alphasCumprod[i] = (float) product;
    }
    this.finalAlphaCumprod = setAlphaToOne ? 1f : alphasCumprod[0];
  }

  static NoiseSchedule of(SchedulerConfig config) {
    return new NoiseSchedule(config.betas(), config.setAlphaToOne());
  }

  float[] betas() {
    return betas.clone();
  }

  float[] alphasCumprod() {
    return alphasCumprod.clone();
  }

  /** ᾱ of a timestep; below 0, the one that the last step arrives at. */
  float alphaCumprod(int timestep) {
    return timestep >= 0 ? alphasCumprod[timestep] : finalAlphaCumprod;
  }

  /** σ = √((1 - ᾱ) / ᾱ) of every timestep: Karras et al. 2022 (arXiv:2206.00364), eq. (199). */
  float[] sigmas() {
    float[] sigmas = new float[alphasCumprod.length];
    for (int i = 0; i < sigmas.length; i++) {
      sigmas[i] = (float) Math.sqrt((1f - alphasCumprod[i]) / alphasCumprod[i]);
    }
    return sigmas;
  }
}
