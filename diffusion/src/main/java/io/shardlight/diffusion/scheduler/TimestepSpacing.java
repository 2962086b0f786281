package io.shardlight.diffusion.scheduler;

/**
 * How inference steps are spread over the training timesteps: {@code timestep_spacing}.
 *
 * @see <a href="https://arxiv.org/abs/2305.08891">Lin et al. 2023, table 2</a>
 */
public enum TimestepSpacing {
  /** Equal, possibly fractional, steps from the last timestep down to 0. */
  LINSPACE("linspace") {
    @Override
    double[] descending(int trainTimesteps, int steps, int offset) {
      double[] timesteps = new double[steps];
      // NumPy's linspace: the first is 0 where there is only one.
      double stride = steps == 1 ? 0 : (trainTimesteps - 1.0) / (steps - 1);
      for (int i = 0; i < steps; i++) {
        timesteps[steps - 1 - i] = i == steps - 1 && i > 0 ? trainTimesteps - 1 : i * stride;
      }
      return timesteps;
    }
  },
  /** Whole multiples of trainTimesteps / steps, plus {@code steps_offset}. */
  LEADING("leading") {
    @Override
    double[] descending(int trainTimesteps, int steps, int offset) {
      double[] timesteps = new double[steps];
      for (int i = 0; i < steps; i++) {
        timesteps[steps - 1 - i] = i * (trainTimesteps / steps) + offset;
      }
      return timesteps;
    }
  },
  /**
   * Backwards from the last timestep in rounded strides. For some numbers of steps (61, 103, …)
   * diffusers comes to one timestep more by rounding, -1; here there are as many as were asked for.
   */
  TRAILING("trailing") {
    @Override
    double[] descending(int trainTimesteps, int steps, int offset) {
      double[] timesteps = new double[steps];
      // NumPy's arange multiplies the difference of its first two numbers, rounded as they are.
      double second = trainTimesteps - (double) trainTimesteps / steps;
      double stride = second - trainTimesteps;
      for (int i = 0; i < steps; i++) {
        timesteps[i] = Math.rint(trainTimesteps + i * stride) - 1;
      }
      return timesteps;
    }
  };

  private final String configName;

  TimestepSpacing(String configName) {
    this.configName = configName;
  }

  /** The name in {@code scheduler_config.json}. */
  public String configName() {
    return configName;
  }

  /** One timestep for every inference step, the noisiest first; only LINSPACE gives fractions. */
  abstract double[] descending(int trainTimesteps, int steps, int offset);
}
