package io.shardlight.diffusion.scheduler;

/** What a network predicts: {@code prediction_type}. */
public enum PredictionType {
  /** The noise ε in the latents: Ho et al. 2020 (arXiv:2006.11239), eq. (14). */
  EPSILON("epsilon"),
  /** v = α ε - σ x₀: Salimans and Ho 2022 (arXiv:2202.00512), section 4. */
  V_PREDICTION("v_prediction");

  private final String configName;

  PredictionType(String configName) {
    this.configName = configName;
  }

  /** The name in {@code scheduler_config.json}. */
  public String configName() {
    return configName;
  }
}
