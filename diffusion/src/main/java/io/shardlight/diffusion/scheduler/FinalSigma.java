package io.shardlight.diffusion.scheduler;

/** The noise level at which a run ends: {@code final_sigmas_type}. */
public enum FinalSigma {
  /** No noise: the last step arrives at the estimate of the clean latents. */
  ZERO("zero"),
  /** That of timestep 0, the least of the training. */
  SIGMA_MIN("sigma_min");

  private final String configName;

  FinalSigma(String configName) {
    this.configName = configName;
  }

  /** The name in {@code scheduler_config.json}. */
  public String configName() {
    return configName;
  }
}
