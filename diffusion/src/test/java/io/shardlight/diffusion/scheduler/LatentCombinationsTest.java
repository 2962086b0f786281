package io.shardlight.diffusion.scheduler;

import static io.shardlight.diffusion.scheduler.SchedulerConfigTest.config;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Combining noise and predictions gives what the scheduler gives, step by step. */
final class LatentCombinationsTest {
  /** Of the largest value: a scheduler rounds after each step, a combination after the last. */
  private static final double TOLERANCE = 1e-5;

  /** Of the noise at the beginning, where little is left of it: of 4096 without signal. */
  private static final double ROUNDING = 2e-7;

  private static final int LATENTS = 64;

  @ParameterizedTest
  @MethodSource("io.shardlight.diffusion.scheduler.SchedulerGoldenTest#runs")
  void combinationsAreWhatTheSchedulerDoes(SchedulerGoldenTest.Run run) {
    Scheduler scheduler = run.scheduler();
    int calls = scheduler.stepCount();
    int rows = calls + 3;
    if (!scheduler.isLinear()) {
      assertThatThrownBy(() -> LatentCombinations.of(scheduler, calls, rows))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("clip_sample");
      return;
    }
    LatentCombinations combinations = LatentCombinations.of(run.scheduler(), calls, rows);
    float[] coefficients = combinations.coefficients();
    Random random = new Random(run.steps());
    assertThat(combinations.addsNoise())
        .isEqualTo(run.kind() == SchedulerKind.EULER_A && run.steps() > 1);
    float[][] known = new float[combinations.addsNoise() ? 2 * rows : rows][LATENTS];
    known[0] = gaussian(random);
    float[] latents = known[0].clone();
    for (int i = 0; i < LATENTS; i++) {
      latents[i] *= scheduler.initNoiseSigma();
    }
    double rounding = ROUNDING * scheduler.initNoiseSigma();
    for (int step = 0; step < calls; step++) {
      assertThat(combinations.timesteps()[step]).isEqualTo(scheduler.timestep(step));
      assertClose(
          combine(coefficients, step, known),
          scheduler.scaleModelInput(latents, step),
          rounding,
          step);
      known[step + 1] = gaussian(random);
      latents = scheduler.step(known[step + 1], step, latents);
      if (combinations.addsNoise()) {
        float[] noise = gaussian(random);
        known[rows + step] = noise;
        for (int i = 0; i < LATENTS; i++) {
          latents[i] += scheduler.addedNoiseSigma(step) * noise[i];
        }
      }
    }

    assertClose(combine(coefficients, calls, known), latents, rounding, calls);
  }

  private static float[] gaussian(Random random) {
    float[] values = new float[LATENTS];
    for (int i = 0; i < LATENTS; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static double[] combine(float[] coefficients, int row, float[][] known) {
    double[] sums = new double[LATENTS];
    for (int j = 0; j < known.length; j++) {
      for (int i = 0; i < LATENTS; i++) {
        sums[i] += (double) coefficients[row * known.length + j] * known[j][i];
      }
    }
    return sums;
  }

  private static void assertClose(double[] combined, float[] stepped, double rounding, int step) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < LATENTS; i++) {
      largest = Math.max(largest, Math.abs(stepped[i]));
      difference = Math.max(difference, Math.abs(combined[i] - stepped[i]));
    }
    assertThat(difference).as("step " + step).isLessThanOrEqualTo(TOLERANCE * largest + rounding);
  }

  @Test
  void aRunMayEndBeforeTheLastTimestep() throws IOException {
    LatentCombinations all =
        LatentCombinations.of(SchedulerKind.DDIM.create(config("{}"), 4), 4, 8);
    LatentCombinations three =
        LatentCombinations.of(SchedulerKind.DDIM.create(config("{}"), 4), 3, 8);

    assertThat(three.timesteps()).startsWith(751, 501, 251, 0);
    assertThat(three.coefficients()).startsWith(Arrays.copyOf(all.coefficients(), 4 * 8));
    assertThat(three.coefficients()[4 * 8]).as("nothing after the end").isZero();
  }

  @Test
  void clippingIsNotLinear() throws IOException {
    Scheduler clipping = SchedulerKind.DDIM.create(config("{\"clip_sample\": true}"), 4);

    assertThatThrownBy(() -> LatentCombinations.of(clipping, 4, 8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("clip_sample");
  }

  @Test
  void callsMustFit() throws IOException {
    for (int calls : new int[] {0, 5, 8}) {
      Scheduler scheduler = SchedulerKind.DDIM.create(config("{}"), 4);
      assertThatThrownBy(() -> LatentCombinations.of(scheduler, calls, 8))
          .hasMessage("calls must be in [1, 4], but was " + calls);
    }
  }
}
