package io.shardlight.diffusion.scheduler;

/**
 * The noise that training mixed in at each timestep: ᾱ<sub>t</sub> = Π (1 - β<sub>s</sub>), s ≤ t,
 * float32 as diffusers has it. Immutable.
 *
 * @see <a href="https://arxiv.org/abs/2006.11239">Ho et al. 2020, eq. (4)</a>
 */
final class NoiseSchedule {
  /** diffusers' stand-in for ᾱ = 0, the least that float16 has. */
  private static final float LEAST_ALPHA = 0x1p-24f;

  private final float[] betas;
  private final float[] alphasCumprod;
  private final float finalAlphaCumprod;

  private NoiseSchedule(float[] betas, float[] alphasCumprod, boolean setAlphaToOne) {
    this.betas = betas;
    this.alphasCumprod = alphasCumprod;
    this.finalAlphaCumprod = setAlphaToOne ? 1f : alphasCumprod[0];
  }

  /** Of the schedulers over timesteps; rescaled betas leave ᾱ = 0 at the last one. */
  static NoiseSchedule of(SchedulerConfig config) {
    float[] betas = config.rescaleBetasZeroSnr() ? withoutSignal(config.betas()) : config.betas();
    return new NoiseSchedule(betas, cumulated(betas), config.setAlphaToOne());
  }

  /** Of the schedulers over σ: where betas are rescaled, the last σ is 4096 instead of infinite. */
  static NoiseSchedule ofSigmas(SchedulerConfig config) {
    NoiseSchedule schedule = of(config);
    if (config.rescaleBetasZeroSnr()) {
      schedule.alphasCumprod[schedule.alphasCumprod.length - 1] = LEAST_ALPHA;
    }
    return schedule;
  }

  private static float[] cumulated(float[] betas) {
    float[] products = new float[betas.length];
    double product = 1; // torch.cumprod keeps float32 products in double
    for (int i = 0; i < betas.length; i++) {
      product *= 1f - betas[i];
      products[i] = (float) product;
    }
    return products;
  }

  /** √ᾱ moved and stretched so that it ends at 0: Lin et al. 2023 (arXiv:2305.08891), alg. 1. */
  private static float[] withoutSignal(float[] betas) {
    float[] alphasCumprod = cumulated(betas);
    int last = betas.length - 1;
    float first = (float) Math.sqrt(alphasCumprod[0]);
    float end = (float) Math.sqrt(alphasCumprod[last]);
    float stretch = first / (first - end);
    float[] rescaled = new float[betas.length];
    float before = 1;
    for (int i = 0; i <= last; i++) {
      float root = ((float) Math.sqrt(alphasCumprod[i]) - end) * stretch;
      rescaled[i] = 1f - root * root / before;
      before = root * root;
    }
    return rescaled;
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
